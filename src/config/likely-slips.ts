import type { Path } from './problems.ts'
import type { Draft } from './schema-tree.ts'

/** A warning about a key, as the end of a sentence that begins with it. */
interface Slip {
  readonly path: Path
  readonly text: string
}

/** What is allowed, and mostly not what is meant. `data` is the file as written. */
export function likelySlips(data: unknown, draft: Draft): readonly Slip[] {
  return [...withoutPort(data, draft), ...networks(draft), ...administrators(draft)]
}

function withoutPort(data: unknown, { masters = [] }: Draft): readonly Slip[] {
  const paths: Path[] = [['ca', 'url'], ...masters.map((_, index) => ['masters', index, 'url'])]
  return paths.flatMap(path => {
    const written = valueAt(data, path)
    if (typeof written !== 'string' || !/^https:/.test(written) || /:\d+\/?$/.test(written)) return []
    return [
      { path, text: 'has no port, so 443 is meant; Puppet Server listens on 8140 unless told otherwise' }
    ]
  })
}

function networks({ listen }: Draft): readonly Slip[] {
  return (listen?.proxyProtocol?.from ?? []).flatMap((written, index) => {
    const path = ['listen', 'proxyProtocol', 'from', index]
    if (written === undefined) return []
    if (/\/0+$/.test(written))
      return [
        { path, text: 'is everybody, so whoever connects can name any address; should be those in front' }
      ]
    if (/^[\d.]+\.0$|::$/.test(written))
      return [
        {
          path,
          text: `is one address; a network has a mask, such as ${written}/${written.includes(':') ? 64 : 24}`
        }
      ]
    return []
  })
}

function administrators({ access }: Draft): readonly Slip[] {
  return (access?.administrators ?? []).flatMap((certname, index) => {
    const path = ['access', 'administrators', index]
    if (certname?.includes('*'))
      return [{ path, text: 'holds a *, which stands for nothing here; must be one certname, written out' }]
    if (certname !== undefined && certname !== certname.toLowerCase())
      return [{ path, text: 'has capital letters, which Puppet allows in no certname; must be lower case' }]
    return []
  })
}

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => {
    return typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined
  }, data)
}
