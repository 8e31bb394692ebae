import type { Socket } from 'node:net'
import type { Runtime } from '../../model/runtime.ts'
import type { Passage, PassageEnd } from './passage.ts'

/** A lasting silence is found out within a quarter more of the time. */
const LOOKS = 4

/**
 * Passes bytes on both ways, with back-pressure, until both sides have ended. Either side may end first and still hear the
 * other. A side that is gone takes the other one with it, once what it had said is out. `ended` is called once.
 */
export function pass(
  { client, upstream }: { readonly client: Socket; readonly upstream: Socket },
  { schedule, idleMs }: Pick<Runtime, 'schedule'> & { readonly idleMs: () => number },
  ended: (end: PassageEnd) => void
): void {
  let end: PassageEnd | undefined
  let open = 2
  let cancelLook = () => {}
  for (const [side, other, gone] of [
    [client, upstream, 'agent-gone'],
    [upstream, client, 'master-lost']
  ] as const) {
    side.allowHalfOpen = true
    side.pipe(other)
    side.on('error', () => {}) // Its close tells all there is to know.
    side.once('close', () => {
      // What is said to somebody who has gone away with a proper goodbye may come back as a reset.
      if (!side.readableEnded) end ??= gone
      if (--open > 0) {
        other.destroySoon()
        return
      }
      cancelLook()
      ended(end ?? 'complete')
    })
  }

  function look(before: number, looks: number): void {
    const bytes = client.bytesRead + upstream.bytesRead
    const isSilent = bytes === before
    if (isSilent && looks >= LOOKS) {
      end ??= 'idle'
      client.destroy()
      upstream.destroy()
      return
    }
    cancelLook = schedule(idleMs() / LOOKS, () => look(bytes, isSilent ? looks + 1 : 1))
  }
  look(-1, 0)
}

/** Ends both sides of a connection at once. */
export function cut(passage: Passage): void {
  passage.end ??= 'cut'
  passage.client.destroy()
  passage.upstream?.destroy()
}
