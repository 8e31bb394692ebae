import type { Master } from '../../model/snapshot.ts'

/** Everybody `next` names, first choice first, leaving out those tried. */
export function candidates(
  next: (tried: readonly number[]) => Master | undefined,
  tried: readonly number[]
): Master[] {
  const order: Master[] = []
  const passed = [...tried]
  for (let master = next(passed); master; master = next(passed)) {
    order.push(master)
    passed.push(master.index)
  }
  return order
}
