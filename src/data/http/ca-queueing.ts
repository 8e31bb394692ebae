import type { CaPlace } from './ca-places.ts'
import type { Delivery, DispatchDeps } from './delivery.ts'
import type { Queueing, QueueingListener } from './queueing.ts'
import { type Hold, nobodyYet } from './slot-request.ts'
import { createWaitBooks } from './wait-books.ts'

/** The CA's JRubies are nobody's business here. */
const noSlot: Hold = Object.freeze({ release() {}, fail() {}, leave() {}, disown() {}, reconsider() {} })

/** The queueing of a delivery to the CA, whose body stays with its agent meanwhile. */
export function createCaQueueing(
  { exchange }: Pick<Delivery, 'exchange'>,
  deps: Pick<DispatchDeps, 'caPlaces' | 'now' | 'metrics'>,
  { refuse, fail }: QueueingListener
): Queueing {
  const { caPlaces, metrics } = deps
  const books = createWaitBooks(exchange, deps)
  let place: CaPlace | undefined

  return {
    ask({ eligibleAnew, nobody, awayUntilMs = deps.now }, granted) {
      books.begin()
      const entered = caPlaces.enter(
        {
          remote: exchange.remote,
          isServed: () => eligibleAnew() !== nobodyYet,
          goOn() {
            books.end()
            const ca = eligibleAnew()?.pinned
            if (ca) granted(ca, noSlot)
            else refuse(nobody)
          },
          giveUp() {
            books.end()
            refuse(nobody)
          },
          fail
        },
        awayUntilMs()
      )
      if (entered) {
        place = entered
        books.listen()
        return
      }
      metrics.limitRefusals.inc({ limit: 'caPlaces' })
      books.end()
      refuse(nobody)
    },
    reconsider: () => place?.reconsider(),
    leave() {
      place?.leave()
      books.end()
    }
  }
}
