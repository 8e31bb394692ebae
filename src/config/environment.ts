import { parse } from 'yaml'
import { nearest } from './near-miss.ts'
import { formatPath, type Path } from './problems.ts'
import { type Leaf, leaves } from './schema-tree.ts'

/** The process's environment, or one made for a test. */
export type Environment = Readonly<Record<string, string | undefined>>

const prefix = 'PUPPET_LB_'

/** Holds the secret of the admin listener itself; no key of the file does, `admin.token.file` only says where it is. */
export const tokenVariable = `${prefix}ADMIN_TOKEN`

/** File data with the environment laid over it. */
export interface Overridden {
  readonly data: unknown
  /** The variable that set the value at `path`, if one did. */
  readonly variableOf: (path: Path) => string | undefined
}

/** The variable that overrides a key: `PUPPET_LB_LISTEN_DRAIN_TIMEOUT` for `listen.drainTimeout`. */
export function variableName(path: Path): string {
  const words = path.map(part => String(part).replace(/[A-Z]/g, letter => `_${letter}`))
  return `${prefix}${words.join('_').toUpperCase()}`
}

/**
 * Whether the environment alone says all that a balancer needs: whose CA it asks, and under which name. It then needs no
 * file.
 */
export function isEnough(env: Environment): boolean {
  return [
    ['ca', 'url'],
    ['enroll', 'name']
  ].every(path => env[variableName(path)] !== undefined)
}

/** Lays the environment over the file's data, which is left as it is; `reportVariable` hears of unusable variables. */
export function override(
  data: unknown,
  env: Environment,
  reportVariable: (name: string, text: string) => void
): Overridden {
  const byName = new Map(leaves.map(leaf => [variableName(leaf.path), leaf]))
  const used = new Map<string, string>()
  let result = data
  for (const [name, value] of Object.entries(env).sort()) {
    if (!name.startsWith(prefix) || value === undefined || isServiceLink(name, value)) continue
    if (name === tokenVariable) continue
    const leaf = byName.get(name)
    if (!leaf) {
      reportVariable(name, unknownVariable(name, [...byName.keys(), tokenVariable]))
    } else if (leaf.holds === 'groups') {
      reportVariable(
        name,
        `cannot set ${formatPath(leaf.path)}: it is a list of groups, which must stand in the file`
      )
    } else {
      result = withValue(result, leaf.path, readValue(leaf, value))
      used.set(formatPath(leaf.path), name)
    }
  }
  return { data: result, variableOf: path => used.get(formatPath(keyOf(path))) }
}

/** What leads to a list, of what leads to an item of it. */
function keyOf(path: Path): Path {
  const item = path.findIndex(part => typeof part === 'number')
  return item < 0 ? path : path.slice(0, item)
}

/**
 * Kubernetes puts variables for every service of the namespace into a container: a service called puppet-lb makes
 * PUPPET_LB_SERVICE_HOST, PUPPET_LB_PORT=tcp://10.0.0.1:8140 and more. They are not meant for the configuration.
 */
function isServiceLink(name: string, value: string): boolean {
  if (/_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?$/.test(name)) return true
  if (/_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name)) return true
  return name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value)
}

function unknownVariable(name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  if (meant) return `is no known variable, did you mean ${meant}?`
  return `is no known variable, must be ${prefix}SECTION_KEY for a key of the file, such as ${variableName(['listen', 'port'])}`
}

/** Of a list its items, with commas between them. Else the text itself where the key takes it, else the number or truth value it stands for. */
function readValue(leaf: Leaf, text: string): unknown {
  if (leaf.holds === 'texts') return text.trim() === '' ? [] : text.split(',').map(item => item.trim())
  if (leaf.schema.safeParse(text).success || !/^(-?\d+(\.\d+)?|true|false)$/.test(text)) return text
  return parse(text)
}

/** A copy of `data` with `value` at `path`. Where the file has no group of keys, its own mistake stays to be told. */
function withValue(data: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (data !== undefined && data !== null && (typeof data !== 'object' || Array.isArray(data))) return data
  const group = (data ?? {}) as Readonly<Record<string, unknown>>
  return { ...group, [key]: withValue(group[key], rest, value) }
}
