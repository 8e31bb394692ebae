/** @import { RunsOfMinute } from '../../../model/overview.ts' */

/** Agents come every half hour, unless told otherwise. */
export const herdMinutes = 30

/**
 * Runs by the minute of the half hour in which they came: the mean of the half hours that are known; null for a minute
 * of which nothing is known. An even spread is a flat line.
 * @param {readonly RunsOfMinute[]} runs
 * @returns {readonly (number | null)[]}
 */
export function herdOf(runs) {
  return Array.from({ length: herdMinutes }, (_, minute) => {
    const known = runs.filter(
      ({ at, given }) => given !== null && new Date(at).getUTCMinutes() % herdMinutes === minute
    )
    if (known.length === 0) return null
    return known.reduce((sum, { given, failed }) => sum + (given ?? 0) + (failed ?? 0), 0) / known.length
  })
}
