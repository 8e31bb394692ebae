import { NOTHING, percent, seconds } from '../format.js'
import { html } from '../html.js'
import { JRubies, Key } from '../jrubies.js'
import { isTrouble, standingOf } from '../standing.js'

/** @import { MasterStatus } from '../../../../model/status.ts' */
/** @import { MasterWork, Overview } from '../../../../model/overview.ts' */
/** @import { Action, Live } from '../page.js' */

/** @type {Readonly<Record<MasterStatus['mode'], readonly Action[]>>} */
const actions = {
  active: ['drain', 'maint'],
  draining: ['undrain', 'maint'],
  drained: ['undrain', 'maint'],
  maint: ['undrain'],
  leaving: []
}

/**
 * Every master: how it is and why, what it does, and what an operator may want of it.
 * @param {{ readonly view: Overview, readonly live?: Live | undefined }} props
 */
export function Masters({ view, live }) {
  const { masters } = view.status
  return html`<section aria-labelledby="masters">
    <h2 id="masters">Masters <small>catalogs of the last 10 minutes</small></h2>
    ${masters.length === 0 ? html`<p>There is no master.</p>` : html`<${Table} view=${view} live=${live} /><${Key} />`}
    <${Absent} view=${view} />
  </section>`
}

/** Those that are out come first: among sixty nobody finds them otherwise. @param {{ readonly view: Overview, readonly live?: Live | undefined }} props */
function Table({ view, live }) {
  const { status, work } = view
  const rows = status.masters.map((master, index) => ({
    master,
    work: /** @type {MasterWork} */ (work[index])
  }))
  return html`<table class="masters">
      <thead>
        <tr>
          <th scope="col">Master</th><th scope="col">State</th><th scope="col">JRubies</th>
          <th scope="col" class="number">Share</th><th scope="col" class="number">Catalogs</th>
          <th scope="col" class="number">Failed</th><th scope="col" class="number">p50</th>
          <th scope="col" class="number">p99</th>${live && html`<th scope="col">Do</th>`}
        </tr>
      </thead>
      <tbody>
        ${[...rows.filter(isOut), ...rows.filter(row => !isOut(row))].map(
          ({ master, work }) =>
            html`<${Row} key=${`${master.mode === 'leaving'} ${master.name} ${master.url}`} master=${master} work=${work} live=${live} />`
        )}
      </tbody>
    </table>`
}

/** @param {{ readonly master: MasterStatus }} row */
const isOut = ({ master }) => isTrouble(master)

/** @param {{ readonly master: MasterStatus, readonly work: MasterWork, readonly live?: Live | undefined }} props */
function Row({ master, work, live }) {
  const { name, url, pools, source, mode } = master
  const inPools = pools.length === 1 && pools[0] === 'default' ? '' : `, pool ${pools.join(', ')}`
  const from = source === 'file' ? '' : `, by ${source}`
  const { compile, failedShare } = work
  return html`<tr class=${isTrouble(master) ? 'trouble' : ''}>
    <th scope="row"><span class="name">${name}</span><span class="quiet">${url}${inPools}${from}</span></th>
    <td data-label="State"><${State} master=${master} /></td>
    <td data-label="JRubies"><${JRubies} master=${master} work=${work} /></td>
    <td data-label="Share" class="number">${percent(work.share)}${weightOf(master)}</td>
    <td data-label="Catalogs" class="number">${work.catalogs}</td>
    <td data-label="Failed" class=${`number ${failedShare !== null && failedShare > 0.05 ? 'bad' : ''}`}>${percent(failedShare)}</td>
    <td data-label="Compile p50" class="number">${compile === null ? NOTHING : seconds(compile.p50Ms)}</td>
    <td data-label="Compile p99" class="number">${compile === null ? NOTHING : seconds(compile.p99Ms)}</td>
    ${
      live &&
      html`<td data-label="Do" class="actions">
      ${actions[mode].map(
        action =>
          html`<button type="button" key=${action} aria-label=${`${action} ${name}`} onClick=${() => live.ask(name, action)}>${action}</button>`
      )}
    </td>`
    }
  </tr>`
}

/** @param {{ readonly master: MasterStatus }} props */
function State({ master }) {
  const { word, tone } = standingOf(master)
  return html`<span class=${`badge ${tone}`}>${word}</span>${master.cause !== null && html`<span class="cause">${master.cause}</span>`}`
}

/** @param {MasterStatus} master */
function weightOf({ weight, configuredWeight, priority }) {
  const parts = [
    ...(weight === configuredWeight
      ? [`weight ${weight}`]
      : [`weight ${weight}, configured ${configuredWeight}`]),
    ...(priority === 0 ? [] : [`priority ${priority}`])
  ]
  return html`<span class="quiet">${parts.join(', ')}</span>`
}

/** What operators said of names that no master has now. @param {{ readonly view: Overview }} props */
function Absent({ view: { status } }) {
  if (status.kept.length === 0) return null
  const said = status.kept.map(
    ({ name, mode, weight }) =>
      `${name}: ${[...(mode === null ? [] : [mode]), ...(weight === null ? [] : [`weight ${weight}`])].join(', ')}`
  )
  return html`<p class="quiet">Kept for masters that are absent: ${said.join('; ')}</p>`
}
