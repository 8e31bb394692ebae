import { type Endpoint, endpoint } from './endpoint-class.ts'
import { checksumOf } from './filebucket.ts'
import { endpointFor, type Indirection, indirectionNamed } from './indirection.ts'

export { type Endpoint, type EndpointAction, type EndpointClass, endpointClasses } from './endpoint-class.ts'

const ca = endpoint('ca', { action: 'ca' })
const poolStatus = endpoint('status', { action: 'pool-status' })
const admin = endpoint('admin', { restricted: true })
const adminEverywhere = endpoint('admin', { restricted: true, action: 'every-master' })
/** File sync is served by the primary alone, which is also the CA; compile masters are its clients. */
const fileSync = endpoint('admin', { restricted: true, action: 'ca' })
/** XML-RPC of agents before 2.6. Its calls, certificates among them, hide in the body: no rule could route it. */
const xmlRpc = endpoint('other', { action: 'refuse' })
const statusRead = endpoint('status', { repeatable: true })
const statusOther = endpoint('status')
const packageRead = endpoint('static', { repeatable: true })
const packageOther = endpoint('static')
const otherRead = endpoint('other', { repeatable: true })
const otherWrite = endpoint('other')

const environmentName = /^\w+$/

/**
 * What a request is and who answers it, from its method and raw target. Judges the form a master sees: the
 * query cut off, percent-encoding decoded once, repeated slashes taken as one (Puppet Server's
 * `normalize-request-uri`). Case counts. The target must have passed `checkPath`; one that could not be
 * decoded is judged as it stands. Allocates nothing that outlives the call, a `pinKey` apart.
 */
export function classify(method: string, url: string, userAgent: string | undefined): Endpoint {
  const path = decodedPath(url)
  const firstAt = segmentStart(path, 0)
  const firstEnd = segmentEnd(path, firstAt)
  const first = path.slice(firstAt, firstEnd)
  const secondAt = segmentStart(path, firstEnd)
  const secondEnd = segmentEnd(path, secondAt)
  const second = path.slice(secondAt, secondEnd)
  if (first === 'puppet' && second === 'v3') return puppetV3(method, path, secondEnd)
  if (first === 'puppet-ca') return ca
  // An environment may be called `puppet`, `status` or `metrics`; no service has an indirection's name second.
  if (environmentName.test(first)) {
    if (second.startsWith('certificate')) return ca
    const indirection = indirectionNamed(second)
    if (indirection) return found(indirection, method, path, secondEnd)
  }
  return service(method, path, first, secondAt, userAgent)
}

function puppetV3(method: string, path: string, from: number): Endpoint {
  const at = segmentStart(path, from)
  const end = segmentEnd(path, at)
  const name = path.slice(at, end)
  const indirection = indirectionNamed(name)
  if (indirection) return found(indirection, method, path, end)
  // Environments, tasks, plans, environment_classes, _modules and _transports need a JRuby and change nothing:
  // who may read them is for the masters' auth.conf, which denies the latter three unless told otherwise.
  return name === 'compile' ? admin : plain(method, otherRead, otherWrite)
}

function found(indirection: Indirection, method: string, path: string, keyAt: number): Endpoint {
  const shared = endpointFor(indirection, method)
  if (shared.class !== 'filebucket') return shared
  const pinKey = checksumOf(path.slice(keyAt))
  return pinKey === undefined ? shared : endpoint('filebucket', { repeatable: shared.repeatable, pinKey })
}

function service(method: string, path: string, first: string, at: number, userAgent?: string): Endpoint {
  const [version, name, item, more] = segments(path, at)
  switch (first) {
    case 'puppet':
      return version === 'v4' && name === 'catalog' ? admin : plain(method, otherRead, otherWrite)
    case 'status':
      return statusService(method, name, item, more, userAgent)
    case 'puppet-admin-api':
      return method === 'DELETE' && version === 'v1' && isOneProcess(name) && item === '' ? adminEverywhere : admin
    case 'metrics':
      return admin
    case 'packages':
      return plain(method, packageRead, packageOther)
    case 'RPC2':
      return version === '' ? xmlRpc : plain(method, otherRead, otherWrite)
  }
  return first.startsWith('file-sync') ? fileSync : plain(method, otherRead, otherWrite)
}

/**
 * `/status/v1/…`. The state of a pool is ours to tell, the CA's is the CA's: `puppetserver ca` takes a CA that
 * says `running` for online, and picks its API by the version the CA reports. The rest of `services` is the
 * inside of one process, which says nothing when it is a different one each time.
 */
function statusService(method: string, name: string, item: string, more: string, userAgent?: string): Endpoint {
  const asksForPool = item === '' || item === 'server' || item === 'master'
  switch (name) {
    case 'simple':
      if (item === 'ca') return ca
      if (asksForPool && more === '') return plain(method, poolStatus, statusOther)
      return plain(method, statusRead, statusOther)
    case 'services':
      if (item === 'ca') return ca
      return item === '' && userAgent?.startsWith('PuppetserverCaCli') ? ca : admin
    default:
      return admin
  }
}

/** Calls that reach a single process, so that they are only done once every master has done them. */
function isOneProcess(name: string): boolean {
  return name === 'environment-cache' || name === 'jruby-pool'
}

function plain(method: string, read: Endpoint, write: Endpoint): Endpoint {
  return method === 'GET' || method === 'HEAD' ? read : write
}

function decodedPath(url: string): string {
  const query = url.indexOf('?')
  const path = query < 0 ? url : url.slice(0, query)
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** The four segments from `at` on, empty where there are none; a trailing slash adds no segment. */
function segments(path: string, at: number): [string, string, string, string] {
  const found: [string, string, string, string] = ['', '', '', '']
  let from = at
  for (let index = 0; index < found.length; index++) {
    const start = segmentStart(path, from)
    from = segmentEnd(path, start)
    found[index] = path.slice(start, from)
  }
  return found
}

function segmentStart(path: string, from: number): number {
  let at = from
  while (path.charCodeAt(at) === 0x2f) at++
  return at
}

function segmentEnd(path: string, from: number): number {
  const slash = path.indexOf('/', from)
  return slash < 0 ? path.length : slash
}
