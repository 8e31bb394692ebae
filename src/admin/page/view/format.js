const DAY_MS = 86_400_000

/** `null` where there is nothing to tell. */
export const NOTHING = '–'

/**
 * A share from 0 to 1, in percent: more digits where it is small.
 * @param {number | null} share
 */
export function percent(share) {
  if (share === null) return NOTHING
  const value = share * 100
  if (value === 0 || value >= 10) return `${Math.round(value)} %`
  return value < 0.1 ? '< 0.1 %' : `${value.toFixed(1)} %`
}

/**
 * A time that something took.
 * @param {number} ms
 */
export function seconds(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`
}

/**
 * Whole days from one date to another, ISO 8601; below zero once it is over.
 * @param {string} from
 * @param {string} to
 */
export function daysBetween(from, to) {
  return Math.floor((Date.parse(to) - Date.parse(from)) / DAY_MS)
}

/**
 * How far a date is away, in words.
 * @param {string} now
 * @param {string} date
 */
export function whenEnds(now, date) {
  const days = daysBetween(now, date)
  if (Date.parse(date) <= Date.parse(now)) return 'has ended'
  return days < 1 ? 'ends today' : `in ${count(days, 'day')}`
}

/**
 * @param {string} date ISO 8601.
 * @returns {string} Its day, in UTC.
 */
export const dayOf = date => date.slice(0, 10)

/**
 * @param {string} date ISO 8601.
 * @returns {string} Its time of day, in UTC.
 */
export const timeOf = date => date.slice(11, 19)

/**
 * @param {number} number
 * @param {string} one
 */
export function count(number, one, many = `${one}s`) {
  return `${grouped(number)} ${number === 1 ? one : many}`
}

/**
 * Thousands are set apart.
 * @param {number} number
 */
export function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',')
}
