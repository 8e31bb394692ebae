import type { Logger } from 'pino'
import type { Flush, FlushResult } from '../../model/code.ts'
import type { EventLog } from '../../model/event.ts'
import type { Master } from '../../model/master.ts'
import { isLedTo } from '../../model/pool.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Settings } from '../../model/settings.ts'
import { createWire, isCause } from '../asking/wire.ts'
import { type OwnIdentity, ownIdentityOf } from './own-identity.ts'

/** Nobody is asked for longer; all are asked side by side. A flush waits for no JRuby. */
const ASKING_MS = 10_000
/** There is no body in the answer to a flush, and a refusal is short. */
const MAX_BYTES = 64 * 1024
const path = '/puppet-admin-api/v1/environment-cache'

export interface FlushDeps {
  /** All that the roster has. */
  readonly masters: () => readonly Master[]
  readonly settings: () => Pick<Settings, 'tls' | 'upstream' | 'listen'>
  readonly runtime: Runtime
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly events: Pick<EventLog, 'add'>
}

/**
 * Has every master that is asked for catalogs read the code of an environment anew (`DELETE` of its cache, in the
 * administrative API of Puppet Server), as the balancer itself: its certname is to be allowed that. A master in
 * maintenance is asked nothing, and told as one that did not do it.
 */
export function createFlush({ masters, settings, runtime, log, events }: FlushDeps): Flush {
  return async (environment, asker) => {
    const { tls, upstream, listen } = settings()
    const identity = ownIdentityOf({ tls, upstream })
    const asked = masters().filter(master => master.mode !== 'leaving' && !isLedTo(master, listen.tcp))
    const results = await Promise.all(
      asked.map(async (master): Promise<FlushResult> => {
        const cause = await flushOn(master, { environment, identity, upstream, runtime })
        return { name: master.name, done: cause === null, cause }
      })
    )
    const failed = results.filter(({ done }) => !done)
    const whose = environment === undefined ? 'all environments' : `the environment ${environment}`
    const text = `the cache of ${whose} is flushed on ${results.length - failed.length} of ${results.length} masters`
    const fields = { asker, ...(failed.length > 0 && { failed: failed.map(describe) }) }
    if (failed.length > 0) log.warn(fields, text)
    else log.info(fields, text)
    events.add({ kind: 'deployed', text })
    return { environment: environment ?? null, done: failed.length === 0, masters: results }
  }
}

interface Manner {
  readonly environment: string | undefined
  readonly identity: OwnIdentity | undefined
  readonly upstream: Settings['upstream']
  readonly runtime: Runtime
}

/** Why it was not done; null when it was. */
async function flushOn(
  { url, addresses, mode }: Master,
  { environment, identity, upstream, runtime }: Manner
): Promise<string | null> {
  if (mode === 'maint') return 'in maintenance'
  const wire = createWire({
    ...{ url, addresses, upstream, runtime },
    userAgent: 'puppet-lb',
    preamble: undefined,
    maxBytes: MAX_BYTES
  })
  const cancel = runtime.schedule(ASKING_MS, wire.close)
  try {
    const query = environment === undefined ? '' : `?${new URLSearchParams({ environment })}`
    const answer = await wire.ask({
      path: `${path}${query}`,
      method: 'DELETE',
      headers: identity?.headers ?? {}
    })
    if (isCause(answer)) return answer.text
    return answer.status >= 200 && answer.status <= 299 ? null : refusal(answer.status, identity)
  } finally {
    cancel()
    wire.close()
  }
}

function refusal(status: number, identity: OwnIdentity | undefined): string {
  if (status !== 403 && status !== 401) return `it answered ${status}`
  const who = identity ? identity.certname : 'the balancer, which has no certificate of the Puppet CA,'
  return `it answered ${status}: no rule of its auth.conf lets ${who} flush environments`
}

function describe({ name, cause }: FlushResult): string {
  return `${name}: ${cause}`
}
