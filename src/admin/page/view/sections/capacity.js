import { intervalWords, mostMissed, roomWords, shortRoom } from '../capacity-words.js'
import { NOTHING, percent } from '../format.js'
import { html } from '../html.js'

/** @import { PoolCapacity } from '../../../../model/capacity.ts' */
/** @import { Overview } from '../../../../model/overview.ts' */

/**
 * How much of each pool is used, and how many more agents it could take.
 * @param {{ readonly view: Overview }} props
 */
export function Capacity({ view }) {
  const { capacity } = view.status
  if (capacity.length === 0) return null
  return html`<section aria-labelledby="capacity">
    <h2 id="capacity">Capacity <small>${measuredWords(capacity)}</small></h2>
    <table class="plain stacked capacity">
      <thead><tr>
        <th scope="col">Pool</th><th scope="col" class="number">In use</th><th scope="col" class="number">Busiest minute</th>
        <th scope="col" class="number">Full at</th><th scope="col">Room</th><th scope="col">Without one master</th>
      </tr></thead>
      <tbody>${capacity.map(each => html`<${Row} key=${each.pool} capacity=${each} />`)}</tbody>
    </table>
  </section>`
}

/** @param {{ readonly capacity: PoolCapacity }} props */
function Row({ capacity }) {
  const { pool, jrubies, utilization, busiestMinute, full, headroomAgents, runIntervalSeconds, unknown } =
    capacity
  const missed = mostMissed(capacity)
  const isFull = headroomAgents !== null && headroomAgents < 0
  return html`<tr>
    <th scope="row">${pool}</th>
    <td data-label="In use" class=${`number ${isFull ? 'bad' : ''}`}>${percent(utilization)} <small>of ${jrubies}</small></td>
    <td data-label="Busiest minute" class="number">${percent(busiestMinute)}</td>
    <td data-label="Full at" class="number">${percent(full)}</td>
    <td data-label="Room" class=${isFull ? 'bad' : ''}>${
      unknown === null
        ? html`${roomWords(headroomAgents)} <small>at this run interval (${intervalWords(runIntervalSeconds)})</small>`
        : html`<small>Not known yet: ${unknown}.</small>`
    }</td>
    <td data-label="Without one">${missed && unknown === null ? html`${missed.master}: ${shortRoom(missed)}` : NOTHING}</td>
  </tr>`
}

/** @param {readonly PoolCapacity[]} capacity */
function measuredWords(capacity) {
  const minutes = Math.max(...capacity.map(each => each.minutes))
  return minutes === 0 ? 'JRubies at work since it began' : `JRubies at work in the last ${minutes} min`
}
