/**
 * Prints a CycloneDX bill of materials of what runs: npm's own, of the lock file, without what only development needs.
 * npm's `--omit dev` is not enough: it leaves out whatever a package of development needs as well (npm 11.19).
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const MAX_BYTES = 64 * 1024 * 1024

interface LockFile {
  readonly name: string
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly dev?: boolean }>>
}

interface Component {
  readonly 'bom-ref': string
  readonly properties: readonly { readonly name: string }[]
}

interface Bom {
  readonly metadata: { readonly component: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

/** The bill with only what the lock file does not mark as of development; npm names the whole after its directory. */
function withoutDevelopment(bom: Bom, { name, packages }: LockFile): Bom {
  const whole = bom.metadata.component
  const runs = new Set([whole['bom-ref']])
  for (const [path, { version, dev }] of Object.entries(packages))
    if (path !== '' && !dev) runs.add(`${path.replace(/^.*node_modules\//, '')}@${version}`)
  // A version that is there twice may be marked for the one of development.
  const unmarked = ({ properties, ...component }: Component) => ({
    ...component,
    properties: properties.filter(each => each.name !== 'cdx:npm:package:development')
  })
  return {
    ...bom,
    metadata: { ...bom.metadata, component: { ...whole, name } as Component },
    components: bom.components.filter(each => runs.has(each['bom-ref'])).map(unmarked),
    dependencies: bom.dependencies
      .filter(({ ref }) => runs.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(each => runs.has(each)) }))
  }
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application']
const all = execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: MAX_BYTES })
const lockFile = JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as LockFile
console.log(JSON.stringify(withoutDevelopment(JSON.parse(all) as Bom, lockFile), null, 2))
