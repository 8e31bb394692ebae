import { html } from './html.js'

/** @import { MasterStatus } from '../../../model/status.ts' */
/** @import { MasterWork } from '../../../model/overview.ts' */

/** A master with more has one bar in place of cells. */
const MAX_CELLS = 32
const CELL = 10
const GAP = 2
const HEIGHT = 14

/** @type {readonly (readonly [kind: string, meaning: string])[]} */
const meanings = [
  ['taken', 'works for an agent'],
  ['ghost', 'works for an agent that has left'],
  ['foreign', 'works for others'],
  ['free', 'free']
]

/** What the cells mean. */
export function Key() {
  return html`<p class="key quiet">JRubies:${' '}
    ${meanings.map(
      ([kind, meaning]) =>
        html`<svg width=${CELL} height=${CELL} aria-hidden="true"><rect class=${kind} width=${CELL} height=${CELL} /></svg>${meaning}`
    )}
  </p>`
}

/**
 * The JRubies of a master, one cell each: those that work for agents, for agents that have left, for others; and the
 * free ones.
 * @param {{ readonly master: MasterStatus, readonly work: MasterWork }} props
 */
export function JRubies({ master: { capacity }, work: { taken, ghosts, foreign } }) {
  if (capacity === 0 && taken === 0) return html`<span class="quiet">not known</span>`
  const kinds = /** @type {const} */ ([
    ['taken', taken - ghosts],
    ['ghost', ghosts],
    ['foreign', foreign]
  ])
  const used = taken + foreign
  const all = Math.max(capacity, used)
  const label = [
    `${taken} of ${capacity} JRubies in use`,
    ...(ghosts > 0 ? [`${ghosts} for agents that have left`] : []),
    ...(foreign > 0 ? [`${foreign} used by others`] : [])
  ].join(', ')
  const cell = all <= MAX_CELLS ? CELL : (MAX_CELLS * CELL) / all
  const gap = all <= MAX_CELLS ? GAP : 0
  let at = 0
  const parts = [...kinds, /** @type {const} */ (['free', all - used])].flatMap(([kind, number]) => {
    const from = at
    at += number
    if (number === 0) return []
    if (gap === 0) return [{ kind, from, cells: number }]
    return Array.from({ length: number }, (_, index) => ({ kind, from: from + index, cells: 1 }))
  })
  const width = all * cell
  return html`<span class="jrubies">
    <svg role="img" aria-label=${label} width=${width} height=${HEIGHT} viewBox=${`0 0 ${width} ${HEIGHT}`} preserveAspectRatio="none">
      <title>${label}</title>
      ${parts.map(
        ({ kind, from, cells }) =>
          html`<rect key=${from} class=${kind} x=${from * cell} y="0" width=${cells * cell - gap} height=${HEIGHT} />`
      )}
    </svg>
    <span class="figures">${taken}${foreign > 0 ? ` + ${foreign}` : ''} of ${capacity}</span>
  </span>`
}
