import type { X509Certificate } from 'node:crypto'

const DAY_MS = 86_400_000
const MOST_DAYS = 30
/** Balancers whose certificates were made together do not ask together: each waits for up to this part of the time. */
const SPREAD = 0.1

/**
 * When a certificate is to be renewed, in milliseconds since 1970: with a third of its life left, or 30 days if that is
 * less. `dice` is 0 to 1, the same one for as long as the process lives.
 */
export function renewalDueMs(
  { validFromDate, validToDate }: Pick<X509Certificate, 'validFromDate' | 'validToDate'>,
  dice: number
): number {
  const endMs = validToDate.getTime()
  const windowMs = Math.min((endMs - validFromDate.getTime()) / 3, MOST_DAYS * DAY_MS)
  return endMs - windowMs * (1 - SPREAD * dice)
}
