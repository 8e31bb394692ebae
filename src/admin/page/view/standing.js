/** @import { MasterStatus } from '../../../model/status.ts' */

/** @typedef {'good' | 'warn' | 'bad' | 'off'} Tone */

/**
 * How a master stands, in a word or two.
 * @param {Pick<MasterStatus, 'state' | 'mode'>} master
 * @returns {{ readonly word: string, readonly tone: Tone }}
 */
export function standingOf({ state, mode }) {
  if (mode === 'maint') return { word: 'maint', tone: 'off' }
  const isOut = state === 'down' || state === 'silent'
  if (mode === 'draining' || mode === 'drained' || mode === 'leaving')
    return { word: isOut ? `${mode}, ${state}` : mode, tone: 'off' }
  return { word: state, tone: tones[state] }
}

/** @type {Readonly<Record<MasterStatus['state'], Tone>>} */
const tones = { up: 'good', warming: 'good', unknown: 'warn', ejected: 'bad', down: 'bad', silent: 'bad' }

/**
 * Whether it is to serve and does not.
 * @param {Pick<MasterStatus, 'state' | 'mode'>} master
 */
export function isTrouble(master) {
  return standingOf(master).tone === 'bad'
}
