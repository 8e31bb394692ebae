import { reaches } from './background.ts'
import type { MasterLayout } from './layout.ts'
import { compilesOn } from './master.ts'
import { operate } from './proxy.ts'

const DEADLINE_MS = 120_000

/**
 * Resolves once a master compiles a catalog of agents that run again and again, with whether it does, and calls `meanwhile` in
 * the midst of it. Until then `others`, by the names that the balancer has for them, get no new runs: which of two idle masters
 * is asked is not for a test to say.
 */
export async function onceItCompiles(
  master: MasterLayout,
  others: readonly string[],
  meanwhile: () => void | Promise<void> = () => {}
): Promise<boolean> {
  for (const other of others) await operate('weight', other, '0')
  const isSeen = await reaches(async () => (await compilesOn(master)) > 0, DEADLINE_MS)
  if (isSeen) await meanwhile()
  for (const other of others) await operate('weight', other, 'default')
  return isSeen
}
