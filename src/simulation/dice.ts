/** A source of chance: 0 (included) to 1 (excluded). */
export type Dice = () => number

/** Dice that fall the same way for the same seed (mulberry32); for repeatable simulations, not for secrets. */
export function createDice(seed: number): Dice {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * A duration drawn from a log-normal distribution, the shape of compile times: half of them are shorter than
 * `medianMs`, and `spread` (the standard deviation of the logarithm) says how long the tail is.
 */
export function logNormalMs(medianMs: number, spread: number): (dice: Dice) => number {
  return dice => {
    const normal = Math.sqrt(-2 * Math.log(1 - dice())) * Math.cos(2 * Math.PI * dice())
    return medianMs * Math.exp(spread * normal)
  }
}
