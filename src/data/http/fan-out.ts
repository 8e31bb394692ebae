import { ProxyError } from '../../model/errors.ts'
import type { Master } from '../../model/master.ts'
import type { Upstream } from '../../upstream/pools.ts'
import type { RequestHistory } from '../history.ts'
import { beginTurn, endTurn } from '../request-record.ts'
import type { MasterNews } from './attempt.ts'
import { withoutCodes } from './cause-detail.ts'
import type { Exchange } from './exchange.ts'
import { failureOf } from './failure.ts'
import { requestHeaders } from './headers.ts'
import type { Responder } from './respond.ts'

/**
 * Sends one bodyless request to every master and answers once: 204 when every one of them did it, otherwise a
 * sentence that names who did and who did not, and why. A master that is down is asked as well and fails by itself; one in
 * maintenance is not asked, and told as one that did not.
 */
export function fanOut(
  exchange: Exchange,
  identity: readonly string[],
  masters: readonly Master[],
  deps: {
    readonly upstreamOf: (master: Master) => Upstream
    readonly responder: Responder
    readonly history: RequestHistory
    readonly news: Pick<MasterNews, 'causeOf'>
    readonly now: () => number
  }
): Promise<void> {
  return askAll(exchange, identity, masters, deps).catch(error => deps.responder.fail(exchange, error))
}

async function askAll(...[exchange, identity, masters, deps]: Parameters<typeof fanOut>): Promise<void> {
  const { request, record } = exchange
  deps.history.note(record, 'every-master', undefined)
  const results = await Promise.all(
    masters.map(async master => {
      if (master.mode === 'maint') return { master, done: false, why: 'in maintenance' }
      const { pool, host } = deps.upstreamOf(master)
      exchange.attempts++
      const turn = beginTurn(record, master, deps.now())
      const end = (why: string) => endTurn(turn, why, deps.now() - turn.sinceMs)
      try {
        const answer = await pool.request({
          path: request.url as string,
          method: request.method as 'DELETE',
          headers: requestHeaders(request.rawHeaders, request.headers.connection, host, identity)
        })
        await answer.body.dump()
        const done = answer.statusCode >= 200 && answer.statusCode < 300
        const why = `answered ${answer.statusCode}`
        end(why)
        return { master, done, why }
      } catch (error) {
        const why = causeOf(error as Error, deps.news.causeOf(master))
        end(why)
        return { master, done: false, why }
      }
    })
  )
  const failed = results.filter(result => !result.done)
  if (failed.length === 0) {
    deps.responder.answer(exchange, 204, '')
    return
  }
  const done = results.filter(result => result.done).map(result => result.master.name)
  const missing = failed.map(({ master, why }) => `${master.name} (${why})`).join(', ')
  const detail = `done on ${done.join(', ') || 'none'}; not on ${missing}`
  deps.responder.refuse(exchange, new ProxyError('fan-out-incomplete', detail))
}

/** Why a master gave no answer, for an operator at an agent's place: as other answers tell it, without an address. */
function causeOf(error: Error, known: string | undefined): string {
  const { text } = failureOf(error, { sent: true, answered: false, known })
  return withoutCodes(text) ?? 'no connection to it could be opened'
}
