import { type Endpoint, endpoint } from './endpoint-class.ts'
import { checksumOf } from './filebucket.ts'
import { endpointFor, type Indirection, indirectionNamed } from './indirection.ts'
import { decodedPath, segmentEnd, segmentStart } from './path-segment.ts'
import { ca, compile, service, unknown } from './service.ts'

export { type Endpoint, type EndpointAction, type EndpointClass, endpointClasses } from './endpoint-class.ts'

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
  return name === 'compile' ? compile : unknown(method)
}

function found(indirection: Indirection, method: string, path: string, keyAt: number): Endpoint {
  const shared = endpointFor(indirection, method)
  if (shared.class !== 'filebucket') return shared
  const pinKey = checksumOf(path.slice(keyAt))
  return pinKey === undefined ? shared : endpoint('filebucket', { repeatable: shared.repeatable, pinKey })
}
