import type { ReasonCode } from '../../model/errors.ts'
import { isIn } from '../../model/pool.ts'
import type { Snapshot } from '../../model/snapshot.ts'

/** Answers that say what kept masters from serving. */
const telling: ReadonlySet<ReasonCode> = new Set(['no-master', 'ca-unavailable', 'master-lost'])
/** So many masters are named with their causes; more would be no sentence. */
const MAX_NAMED = 3

/**
 * What an answer of ours adds about its cause: that of the last attempt, or without one what probes have found. It holds
 * no address. `pool`: that of the request, where there are several. `undefined`: nothing is known, or the answer has nothing to do with it.
 */
export function causeDetail(
  code: ReasonCode,
  lastCause: string | undefined,
  snapshot: Snapshot,
  isForCa: boolean,
  pool?: string | undefined
): string | undefined {
  if (!telling.has(code)) return undefined
  const known = isForCa ? snapshot.causes?.get(snapshot.ca.id) : causesOfMasters(snapshot, pool)
  const cause = lastCause ?? known
  const told = cause === undefined ? undefined : withoutCodes(cause)
  if (code !== 'no-master' || pool === undefined) return told
  return told === undefined ? `in the pool ${pool}` : `in the pool ${pool}, ${told}`
}

/**
 * A cause as agents are told it: codes of the system are for operators, who find them in the log and in `status`.
 * `undefined`: it is nothing but a code.
 */
export function withoutCodes(cause: string): string | undefined {
  const plain = cause.replace(/ \([A-Z][A-Z0-9_/]+\)/g, '')
  return /[A-Z]{5}/.test(plain) ? undefined : plain
}

/** One cause that all share, or each with the name of its master. */
function causesOfMasters({ masters, causes }: Snapshot, pool: string | undefined): string | undefined {
  const members = pool === undefined ? masters : masters.filter(master => isIn(master, pool))
  const told = members.flatMap(({ id, name }) => {
    const cause = causes?.get(id)
    return cause === undefined ? [] : [{ name, cause }]
  })
  const [first] = told
  if (!first) return undefined
  if (told.every(({ cause }) => cause === first.cause)) return first.cause
  const named = told.slice(0, MAX_NAMED).map(({ name, cause }) => `${name}: ${cause}`)
  return `${named.join('; ')}${told.length > MAX_NAMED ? ' …' : ''}`
}
