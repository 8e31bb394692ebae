/** What a request is about, which decides who may answer it (DESIGN 4.1; kept in this order in dashboards). */
export const endpointClasses = [
  'ca',
  'catalog',
  'light',
  'report',
  'static',
  'filebucket',
  'status',
  'admin',
  'other'
] as const
export type EndpointClass = (typeof endpointClasses)[number]

/**
 * Who answers. `master`: one compile master, chosen by the balancer. `ca`: the CA master alone.
 * `pool-status`: the proxy itself, for the whole pool. `every-master`: all compile masters, one combined
 * answer. `refuse`: nobody, for no client.
 */
export type EndpointAction = 'master' | 'ca' | 'pool-status' | 'every-master' | 'refuse'

/** The verdict on one request target. Frozen, and shared between requests unless it carries a `pinKey`. */
export interface Endpoint {
  readonly class: EndpointClass
  readonly action: EndpointAction
  /** True: only for the certnames the configuration allows (`admin.allow`); everybody else is refused. */
  readonly restricted: boolean
  /** True: agents ask it without a certificate as well, before they have one or every day. */
  readonly open: boolean
  /** True: what was sent but not answered may be sent once more, to another master. */
  readonly repeatable: boolean
  /** True: an agent can be told to come back later; nothing that a master did for its run is lost by it. */
  readonly deferrable: boolean
  /** True: a run or an enrolment fails with it, so that it is worth waiting for; not so what only asks for a state. */
  readonly waits: boolean
  /** True: keeps a JRuby for as long as a catalog does, whatever its class. */
  readonly compiles: boolean
  /** All requests with the same key belong on the same master; `undefined` where it does not matter. */
  readonly pinKey: string | undefined
}

/** A frozen endpoint for the common case: forwarded to a compile master for anybody, unless `rest` says otherwise. */
export function endpoint(
  endpointClass: EndpointClass,
  rest: Partial<Omit<Endpoint, 'class'>> = {}
): Endpoint {
  return Object.freeze({
    class: endpointClass,
    action: rest.action ?? 'master',
    restricted: rest.restricted ?? false,
    open: rest.open ?? false,
    repeatable: rest.repeatable ?? false,
    deferrable: rest.deferrable ?? false,
    waits: rest.waits ?? (endpointClass !== 'status' && endpointClass !== 'admin'),
    compiles: rest.compiles ?? endpointClass === 'catalog',
    pinKey: rest.pinKey
  })
}
