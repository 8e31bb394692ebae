/** Milliseconds in each unit a duration may be written in, smallest first. */
const millisecondsPer = Object.freeze({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 })
type DurationUnit = keyof typeof millisecondsPer

/** How durations are written: a whole number and a unit, nothing between them. */
export const durationPattern = /^(\d{1,9})(ms|s|m|h)$/

/** Milliseconds of `250ms`, `5s`, `10m` or `1h`; `undefined` when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = durationPattern.exec(text)
  return match ? Number(match[1]) * millisecondsPer[match[2] as DurationUnit] : undefined
}

/** Bytes in each unit a size may be written in, smallest first. */
const bytesPer = Object.freeze({ KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 })
type SizeUnit = keyof typeof bytesPer

/** How sizes are written: a whole number and a unit, nothing between them. */
export const sizePattern = /^(\d{1,9})(KiB|MiB|GiB)$/

/** Bytes of `64KiB`, `256MiB` or `2GiB`; `undefined` when the text is no size. */
export function parseSize(text: string): number | undefined {
  const match = sizePattern.exec(text)
  return match ? Number(match[1]) * bytesPer[match[2] as SizeUnit] : undefined
}

/** The size in the largest unit that leaves a whole number. `bytes` is a whole number of KiB. */
export function formatSize(bytes: number): string {
  const units = Object.entries(bytesPer).reverse()
  const [unit, size] = units.find(([, size]) => bytes % size === 0) ?? ['KiB', bytesPer.KiB]
  return `${bytes / size}${unit}`
}

/** The duration as a person would write it: in the largest unit that leaves a whole number. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s'
  const units = Object.entries(millisecondsPer).reverse()
  const [unit, size] = units.find(([, size]) => durationMs % size === 0) ?? ['ms', 1]
  return `${durationMs / size}${unit}`
}
