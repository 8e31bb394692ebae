import { posix } from 'node:path'
import { enrolledFiles } from '../model/enrolment.ts'
import { formatPath, type Path } from './problems.ts'

/** Data of a file in which the certificates that enrolment brings stand as if they were named. */
export interface WithEnrolledFiles {
  readonly data: unknown
  /** Whether the value at a path was put there by this. */
  readonly isFilledIn: (path: Path) => boolean
}

type Group = Readonly<Record<string, unknown>>

/**
 * With `enroll` the files in its directory are the default of `tls`, and the directory that of `state`. What the file
 * says itself stays. Where it is wrong in its shape, its own mistake stays to be told.
 */
export function withEnrolledFiles(data: unknown): WithEnrolledFiles {
  const { enroll, tls = {}, state = {} } = isGroup(data) ? data : {}
  if (!isGroup(data) || !isGroup(enroll)) return { data, isFilledIn: () => false }
  const dir = typeof enroll.dir === 'string' ? enroll.dir : 'tls'
  const fileOf = (name: keyof typeof enrolledFiles) => posix.join(dir, enrolledFiles[name])
  const filled = new Set<string>()
  const fill = (group: unknown, path: Path, values: Group): unknown => {
    if (!isGroup(group)) return group
    const missing = Object.entries(values).filter(([key]) => group[key] === undefined)
    for (const [key] of missing) filled.add(formatPath([...path, key]))
    return { ...group, ...Object.fromEntries(missing) }
  }
  // The first lists came with the certificate; later ones are asked for.
  const crl = fill((isGroup(tls) ? tls.crl : undefined) ?? {}, ['tls', 'crl'], {
    file: fileOf('crl'),
    fetch: true
  })
  const files = { cert: fileOf('cert'), key: fileOf('key'), ca: fileOf('ca') }
  return {
    data: {
      ...data,
      tls: isGroup(tls) ? fill({ ...tls, crl }, ['tls'], files) : tls,
      // What is kept over a restart needs no second volume.
      state: fill(state, ['state'], { directory: dir })
    },
    isFilledIn: path => filled.has(formatPath(path))
  }
}

function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
