import { allCatalogs } from '../catalogs.js'
import { concernsOf } from '../concerns.js'
import { grouped, percent } from '../format.js'
import { headlineOf } from '../headline.js'
import { html } from '../html.js'

/** @import { Overview } from '../../../../model/overview.ts' */
/** @import { Live } from '../page.js' */

/**
 * Whether agents are well, in a line; what to look at and what to do; and four figures.
 * @param {{ readonly view: Overview, readonly live?: Live | undefined }} props
 */
export function Verdict({ view, live }) {
  const concerns = concernsOf(view)
  const level = concerns[0]?.level ?? 'good'
  return html`<section class="verdict" aria-label="How it is">
    <p class=${`headline ${level}`} role="status">${headlineOf(view)}</p>
    ${
      concerns.length > 0 &&
      html`<ul class="concerns">
      ${concerns.map(
        ({ level, text, remedy }) =>
          html`<li class=${level}>${text} ${remedy && html`<span class="remedy">${remedy}</span>`}</li>`
      )}
    </ul>`
    }
    ${live?.awaySince !== undefined && html`<p class="away" role="alert">The balancer gives no news. What is shown is of ${live.awaySince} UTC.</p>`}
    <${Figures} view=${view} />
  </section>`
}

/** @param {{ readonly view: Overview }} props */
function Figures({ view: { status, work, runs } }) {
  const taken = work.reduce((sum, each) => sum + each.taken, 0)
  const capacity = status.masters.reduce((sum, each) => sum + each.capacity, 0)
  const { catalogs, share } = allCatalogs({ work })
  const last = runs.at(-1)
  const { catalog, report, light } = status.queue
  return html`<dl class="tiles">
    <div><dt>JRubies in use</dt><dd>${taken} <small>of ${capacity}</small></dd></div>
    <div><dt>Waiting</dt><dd>${grouped(catalog + report + light)} <small>${catalog} catalog, ${report} report, ${light} light</small></dd></div>
    <div><dt>Runs in the last minute</dt><dd>${last && last.given !== null ? grouped(last.given + (last.failed ?? 0)) : '–'}</dd></div>
    <div><dt>Catalogs that failed</dt><dd>${percent(share)} <small>of ${grouped(catalogs)} in 10 min</small></dd></div>
  </dl>`
}
