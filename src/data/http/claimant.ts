import { claimantCell, strangers } from '../../shared/slots/claimants.ts'
import type { Claimant } from '../../shared/slots/types.ts'

/**
 * What one certname may have over all workers: a run asks for one thing at a time, and whoever asks for more is no run.
 * Further JRubies are waited for, further places refused.
 */
const AGENT = { slots: 4, places: 16 } as const
/** Of requests whose body still comes, one: whoever sends it decides how long its JRuby is kept. */
const STREAMING_SLOTS = 1
/** For the operators' tools, which ask for many nodes under one certname: no bound, but their turn comes like anybody's. */
const ADMINISTRATOR = { slots: 100_000, places: 100_000 } as const

/** As whom a request is counted. `seed` is the process's own; see `claimantCell`. */
export function claimantOf(
  certname: string | undefined,
  administrators: ReadonlySet<string>,
  seed: number
): Claimant {
  if (certname === undefined) return strangers
  return { cell: claimantCell(certname, seed), ...(administrators.has(certname) ? ADMINISTRATOR : AGENT) }
}

/** The same for a request whose body has not come to its end. */
export function whileBodyComes(claimant: Claimant): Claimant {
  return claimant.slots === AGENT.slots ? { ...claimant, slots: STREAMING_SLOTS } : claimant
}
