import { type Endpoint, endpoint } from './endpoint-class.ts'
import { fourSegments } from './path-segment.ts'

/** For the CA master and nobody else. */
export const ca = endpoint('ca', { action: 'ca', open: true })
const caStatus = endpoint('ca', { action: 'ca', open: true, waits: false })
/** Administration of one master: nothing an agent asks, and refused to whoever is not allowed. */
export const admin = endpoint('admin', { restricted: true })
/** Catalogs that are compiled for somebody else's tools. */
export const compile = endpoint('admin', { restricted: true, compiles: true })
/**
 * Beside Puppet's own paths `/`, of which Puppet knows nothing: what stands in front of a balancer asks it unless told
 * otherwise, HAProxy with OPTIONS and the balancers of clouds with GET.
 */
const poolStatus = endpoint('status', { action: 'pool-status', open: true })
const adminEverywhere = endpoint('admin', { restricted: true, action: 'every-master' })
/** File sync is served by the primary alone, which is also the CA; compile masters are its clients. */
const fileSync = endpoint('admin', { restricted: true, action: 'ca' })
/** XML-RPC of agents before 2.6. Its calls, certificates among them, hide in the body: no rule could route it. */
const xmlRpc = endpoint('other', { action: 'refuse' })
const statusRead = endpoint('status', { repeatable: true, open: true })
const statusOther = endpoint('status', { open: true })
const packageRead = endpoint('static', { repeatable: true, open: true })
const packageOther = endpoint('static', { open: true })
const otherRead = endpoint('other', { repeatable: true })
const otherWrite = endpoint('other')

/**
 * The endpoint of a path that names no indirection, by the service its `first` segment mounts; `at` is where
 * the path goes on behind it.
 */
export function service(
  method: string,
  path: string,
  first: string,
  at: number,
  userAgent?: string
): Endpoint {
  const [version, name, item, more] = fourSegments(path, at)
  switch (first) {
    case '':
      return method === 'OPTIONS' ? poolStatus : plain(method, poolStatus, otherWrite)
    case 'puppet':
      return version === 'v4' && name === 'catalog' ? compile : unknown(method)
    case 'status':
      return version === 'v1' ? statusService(method, name, item, more, userAgent) : admin
    case 'puppet-admin-api':
      return method === 'DELETE' && version === 'v1' && isOneProcess(name) && item === ''
        ? adminEverywhere
        : admin
    case 'metrics':
      return admin
    case 'packages':
      return plain(method, packageRead, packageOther)
    case 'RPC2':
      return version === '' ? xmlRpc : unknown(method)
  }
  return first.startsWith('file-sync') ? fileSync : unknown(method)
}

/**
 * `/status/v1/…`. The state of a pool is ours to tell, the CA's is the CA's: `puppetserver ca` takes a CA that
 * says `running` for online, and picks its API by the version the CA reports. The rest of `services` is the
 * inside of one process, which says nothing when it is a different one each time.
 */
function statusService(
  method: string,
  name: string,
  item: string,
  more: string,
  userAgent?: string
): Endpoint {
  const asksForPool = item === '' || item === 'server' || item === 'master'
  switch (name) {
    case 'simple':
      if (item === 'ca') return caStatus
      if (asksForPool && more === '')
        return method === 'OPTIONS' ? poolStatus : plain(method, poolStatus, statusOther)
      return plain(method, statusRead, statusOther)
    case 'services':
      if (item === 'ca') return caStatus
      return item === '' && userAgent?.startsWith('PuppetserverCaCli') ? caStatus : admin
    default:
      return admin
  }
}

/** Calls that reach a single process, so that they are only done once every master has done them. */
function isOneProcess(name: string): boolean {
  return name === 'environment-cache' || name === 'jruby-pool'
}

/** What nobody knows better: any master may answer, and reading it twice does no harm. */
export function unknown(method: string): Endpoint {
  return plain(method, otherRead, otherWrite)
}

function plain(method: string, read: Endpoint, write: Endpoint): Endpoint {
  return method === 'GET' || method === 'HEAD' ? read : write
}
