import { timeOf } from './format.js'
import { html } from './html.js'
import { sections } from './sections.js'

/** @import { AgentList } from '../../../model/agents.ts' */
/** @import { Overview } from '../../../model/overview.ts' */

/** @typedef {'drain' | 'undrain' | 'maint' | 'flush'} Action */

/**
 * What only a page with JavaScript has.
 * @typedef {object} Live
 * @property {(subject: string, action: Action) => void} ask Asks whether an operator really wants that: of a master, or of
 *   an environment, of which '' means all.
 * @property {Search} search
 * @property {string | undefined} awaySince The time of the last news, while there are none.
 */

/**
 * What was asked of agents, and found.
 * @typedef {object} Search
 * @property {(query: string, filter: string) => void} find By the beginning of the certname; without a filter all.
 * @property {AgentList | undefined} list
 * @property {string} text Why nothing was found; else empty.
 * @property {boolean} isAsked The answer is on its way.
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
