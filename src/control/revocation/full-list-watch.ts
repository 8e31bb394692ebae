import type { Runtime } from '../../model/runtime.ts'
import { type FullListEnds, isNotFull, ON_ITS_WAY_MS } from '../../pki/full-list.ts'
import { askForFullListEnds, type ListAuthority, type Means } from './ca-question.ts'
import { type InForce, isSame } from './in-force.ts'

/** So often a CA is asked when its full lists end. */
export const LOOK_AGAIN_MS = 600_000

/**
 * Looks whether the lists in force are the full ones of their CA, which `enable-infra-crl` has it give short ones in place
 * of. Nothing in a short one says so, but the CA tells when its full ones end; see `isNotFull`.
 */
export interface FullListWatch {
  /** Asks the CA if it is time to. To be called when it has given its lists; the first time only notes which they are. */
  readonly look: (ca: ListAuthority, means: Means, inForce: () => InForce | undefined) => Promise<void>
  /** Whether the lists in force are known to be short. */
  readonly isShort: () => boolean
}

type Lists = InForce['lists']

export function createFullListWatch(runtime: Pick<Runtime, 'now'>): FullListWatch {
  /** The lists that were looked at last, and when to look again if they stay. */
  let looked: { readonly lists: Lists; readonly againMs: number } | undefined
  /** Lists that are not the full ones, since when. For a round a revocation between two questions makes them so. */
  let suspect: { readonly lists: Lists; readonly sinceMs: number } | undefined
  let isShort = false

  function judge({ lists, order }: InForce, ends: FullListEnds, nowMs: number): void {
    if (!lists.some(list => isNotFull(list, ends))) {
      suspect = undefined
      isShort = false
    } else if (!suspect || !isSame(suspect.lists, lists)) suspect = { lists, sinceMs: nowMs }
    else if (nowMs - suspect.sinceMs >= (order.file === undefined ? 0 : ON_ITS_WAY_MS)) isShort = true
  }

  return {
    async look(ca, means, inForce) {
      const nowMs = runtime.now()
      const lists = inForce()?.lists ?? []
      // The first round is for the lists alone: a start waits for it.
      const isDue = looked && (nowMs >= looked.againMs || !isSame(looked.lists, lists))
      const ends = isDue ? await askForFullListEnds(ca, means) : undefined
      const current = inForce()
      if (ends && current) judge(current, ends, nowMs)
      const isDoubtful = suspect !== undefined && !isShort
      if (isDue || !looked) looked = { lists, againMs: !looked || isDoubtful ? nowMs : nowMs + LOOK_AGAIN_MS }
    },
    isShort: () => isShort
  }
}
