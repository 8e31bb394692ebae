/**
 * The chance that at least `failed` of the `of` agents of one master fail, when `othersFailed` of `othersOf` fail at the
 * others and it makes no difference which master an agent comes to: Fisher's exact test, one side of it.
 */
export function chanceOf(failed: number, of: number, othersFailed: number, othersOf: number): number {
  const failing = failed + othersFailed
  const all = of + othersOf
  const ways = logChoose(all, of)
  let chance = 0
  for (let count = failed; count <= Math.min(of, failing); count++) {
    chance += Math.exp(logChoose(failing, count) + logChoose(all - failing, of - count) - ways)
  }
  return chance
}

/** ln of how many ways there are to choose `some` of `all`; minus infinity when there is none. */
function logChoose(all: number, some: number): number {
  if (some < 0 || some > all) return Number.NEGATIVE_INFINITY
  return logFactorial(all) - logFactorial(some) - logFactorial(all - some)
}

/** Below, sums; from there on Stirling's series, which is exact to some ten digits by then. */
const SUMMED = 32
const sums = Array.from({ length: SUMMED }, (_, value) => {
  let sum = 0
  for (let factor = 2; factor <= value; factor++) sum += Math.log(factor)
  return sum
})

function logFactorial(value: number): number {
  if (value < SUMMED) return sums[value] as number
  return (
    value * Math.log(value) -
    value +
    Math.log(2 * Math.PI * value) / 2 +
    1 / (12 * value) -
    1 / (360 * value ** 3)
  )
}
