import { isIP } from 'node:net'
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
      source = 'file',
      url = `https://${name}.example.com:8140`,
      addresses = isIP(new URL(url).hostname) === 0 ? [] : [new URL(url).hostname],
      ...rest
    } = typeof of === 'number' ? { weight: of } : of
    const id = idOf(seat, 0)
    return Object.freeze({ name, url, source, addresses, id, seat, weight, priority, mode, ...rest })
  })
}
