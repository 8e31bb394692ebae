import { timeOf } from './format.js'
import { html } from './html.js'
import { headlineOf } from './sections/verdict.js'
import { sections } from './sections.js'
import { isTrouble } from './standing.js'

/** @import { Overview } from '../../../model/overview.ts' */

/** @typedef {'drain' | 'undrain' | 'maint'} Action */

/**
 * What only a page with JavaScript has.
 * @typedef {object} Live
 * @property {(master: string, action: Action) => void} ask Asks whether an operator really wants that.
 * @property {string | undefined} awaySince The time of the last news, while there are none.
 */

/**
 * The whole page. Without `live` it is what somebody sees who has no JavaScript.
 * @param {{ readonly view: Overview, readonly live?: Live | undefined }} props
 */
export function Page({ view, live }) {
  const { at, hostname, status } = view
  return html`
    <header>
      <h1>puppet-lb <small>${hostname}</small></h1>
      <p class="quiet">${status.version}, ${live ? '' : 'as it was at '}<time datetime=${at}>${timeOf(at)}</time> UTC</p>
    </header>
    <main>${sections.map((Section, index) => html`<${Section} key=${index} view=${view} live=${live} />`)}</main>`
}

/**
 * For the tab: what is wrong comes first.
 * @param {Overview} view
 */
export function titleOf(view) {
  const isWell = view.notReady === null && !view.status.masters.some(isTrouble)
  return `${isWell ? '' : '⚠ '}${headlineOf(view)} – puppet-lb ${view.hostname}`
}
