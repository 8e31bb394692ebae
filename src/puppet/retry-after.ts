/** Agents sleep as told, up to their run interval; this is Puppet Server's own `max-retry-delay`. */
const longestSeconds = 1800

/**
 * Whole seconds for a `Retry-After` of ours, spread evenly from `minSeconds` to `maxSeconds` by `random` (0
 * included to 1 excluded), so that agents sent away together do not come back together. Never below 1, since 0
 * means "again at once" to an agent, never above 1800, never a fraction, at which Puppet 7 and 8 fail.
 */
export function retryAfterSeconds(
  random: number,
  { minSeconds, maxSeconds }: { readonly minSeconds: number; readonly maxSeconds: number }
): number {
  // Those who would all be told the longest time would come back together: they come between half of it and the whole.
  const isTooLate = minSeconds > longestSeconds
  const min = isTooLate ? longestSeconds / 2 : clamp(Math.ceil(minSeconds))
  const max = Math.max(min, clamp(Math.floor(maxSeconds)))
  return Math.min(max, min + Math.floor(random * (max - min + 1)))
}

/** The seconds of a master's `Retry-After`, or `undefined` for a date, a fraction, a list or none. */
export function parseRetryAfter(value: string | undefined): number | undefined {
  return value !== undefined && wholeSeconds.test(value) ? Number(value) : undefined
}

/** Nine digits are thirty years: no more are believed. */
const wholeSeconds = /^\d{1,9}$/

function clamp(seconds: number): number {
  return Math.min(longestSeconds, Math.max(1, seconds))
}
