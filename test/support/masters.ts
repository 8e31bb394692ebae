import type { Master } from '../../src/model/snapshot.ts'

/** Masters for pure tests: `masters({ a: 75, b: 25 })` by weight, or with more said. */
export function masters(
  wanted: Readonly<Record<string, number | { weight?: number; priority?: number }>>
): Master[] {
  return Object.entries(wanted).map(([name, of], index) => {
    const { weight = 1, priority = 0 } = typeof of === 'number' ? { weight: of } : of
    return Object.freeze({ name, url: `https://${name}.example.com:8140`, index, weight, priority })
  })
}
