import type { Runtime } from '../../model/runtime.ts'
import type { SlotUser } from '../../shared/slots/types.ts'

/** When a slot is reserved from catalogs that wait, nobody else wakes them once it is not any more. */
export function createReserveTimer(user: SlotUser, runtime: Pick<Runtime, 'now' | 'schedule'>): () => void {
  let timer: { readonly atMs: number; readonly cancel: () => void } | undefined
  return function releaseReservedLater() {
    const reservedMs = user.reservedForMs()
    if (reservedMs === undefined) return
    const atMs = runtime.now() + reservedMs
    if (timer && timer.atMs <= atMs) return
    timer?.cancel()
    const cancel = runtime.schedule(reservedMs, () => {
      timer = undefined
      user.releaseReserved()
      releaseReservedLater()
    })
    timer = { atMs, cancel }
  }
}
