import { idOf, type Master } from '../../src/model/master.ts'

/** Masters for pure tests: `masters({ a: 75, b: 25 })` by weight, or with more said. Seats are given out from 0. */
export function masters(
  wanted: Readonly<Record<string, number | Partial<Omit<Master, 'name' | 'seat' | 'id'>>>>
): Master[] {
  return Object.entries(wanted).map(([name, of], seat) => {
    const {
      weight = 1,
      priority = 0,
      mode = 'active',
      ...rest
    } = typeof of === 'number' ? { weight: of } : of
    const url = `https://${name}.example.com:8140`
    return Object.freeze({ name, url, id: idOf(seat, 0), seat, weight, priority, mode, ...rest })
  })
}
