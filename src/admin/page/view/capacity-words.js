import { count, grouped, percent } from './format.js'

/** @import { CapacityWithout, PoolCapacity } from '../../../model/capacity.ts' */

/**
 * How much of a pool is used and what it could take, in a sentence.
 * @param {PoolCapacity} capacity
 */
export function capacityWords(capacity) {
  const { jrubies, utilization, unknown } = capacity
  const used = `${utilization === null ? '' : `${percent(utilization)} of `}${count(jrubies, 'JRuby', 'JRubies')}`
  if (unknown !== null) return `${used}; room not known yet: ${unknown}`
  const missed = mostMissed(capacity)
  return [
    used,
    `${roomWords(capacity.headroomAgents)} at this run interval (${intervalWords(capacity.runIntervalSeconds)})`,
    ...(missed ? [`without ${missed.master}: ${shortRoom(missed)}`] : [])
  ].join('; ')
}

/** @param {number | null} agents */
export function roomWords(agents) {
  if (agents === null) return 'not known yet'
  if (agents < 0) return `${count(-agents, 'agent')} too many`
  return `room for ${count(agents, 'more agent', 'more agents')}`
}

/** @param {CapacityWithout} without */
export function shortRoom({ utilization, headroomAgents }) {
  if (utilization === null) return 'nobody serves'
  if (headroomAgents === null) return 'not known yet'
  return headroomAgents < 0 ? `${grouped(-headroomAgents)} too many` : grouped(headroomAgents)
}

/**
 * The master whose end would leave the least room; `undefined` where there is none.
 * @param {PoolCapacity} capacity
 */
export function mostMissed({ without }) {
  const roomOf = (/** @type {CapacityWithout} */ { utilization, headroomAgents }) =>
    utilization === null ? Number.NEGATIVE_INFINITY : (headroomAgents ?? Number.POSITIVE_INFINITY)
  return [...without].sort((a, b) => (roomOf(a) < roomOf(b) ? -1 : roomOf(a) > roomOf(b) ? 1 : 0))[0]
}

/** @param {number | null} seconds */
export function intervalWords(seconds) {
  if (seconds === null) return 'not known'
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
}
