import { count, dayOf, daysBetween, grouped, NOTHING, seconds, timeOf, whenEnds } from '../format.js'
import { html } from '../html.js'

/** @import { AgentFilter, AgentList, AgentStatus } from '../../../../model/agents.ts' */
/** @import { Overview } from '../../../../model/overview.ts' */
/** @import { Live } from '../page.js' */

const SOON_DAYS = 30

/** @type {readonly (readonly [filter: AgentFilter | '', words: string])[]} */
const filters = [
  ['', 'all, by name'],
  ['failing', 'failing'],
  ['expiring', 'certificate ends within 30 days'],
  ['slow', 'slowest catalogs'],
  ['old', 'older Puppet than the masters'],
  ['noisy', 'most requests']
]

/**
 * How many agents there are, those that somebody should look at, and a search.
 * @param {{ readonly view: Overview, readonly live?: Live | undefined }} props
 */
export function Agents({ view: { at, agents }, live }) {
  const { seen, failing, expiring, slow } = agents
  return html`<section aria-labelledby="agents">
    <h2 id="agents">Agents <small>${grouped(seen.hour)} in the last hour, ${grouped(seen.day)} in the last day</small></h2>
    <${Listed} title=${`Failing: ${grouped(failing.total)}`} list=${failing} at=${at} />
    <${Listed} title=${`Certificate ends within 30 days: ${grouped(expiring.total)}`} list=${expiring} at=${at} />
    ${slow.total > 0 && html`<${Listed} title="Slowest catalogs" list=${slow} at=${at} />`}
    ${live && html`<${Search} search=${live.search} at=${at} />`}
  </section>`
}

/** @param {{ readonly search: Live['search'], readonly at: string }} props */
function Search({ search: { find, list, text, isAsked }, at }) {
  const ask = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget))
    find(String(form.get('query') ?? '').trim(), String(form.get('filter') ?? ''))
  }
  return html`<form class="search" role="search" onSubmit=${ask}>
      <label>Certname begins with <input type="search" name="query" autocomplete="off" spellcheck="false" /></label>
      <label>Show <select name="filter">${filters.map(([filter, words]) => html`<option key=${filter} value=${filter}>${words}</option>`)}</select></label>
      <button type="submit">${isAsked ? 'Searching…' : 'search'}</button>
    </form>
    <div class="found" aria-live="polite">
      ${text !== '' && html`<p role="alert">${text}</p>`}
      ${list && html`<${Listed} title=${foundWords(list)} list=${list} at=${at} />`}
    </div>`
}

/** @param {AgentList} list */
function foundWords({ total, agents }) {
  return total <= agents.length
    ? `${count(total, 'agent')} found`
    : `The first ${agents.length} of ${grouped(total)} agents`
}

/** @param {{ readonly title: string, readonly list: AgentList, readonly at: string }} props */
function Listed({ title, list: { agents }, at }) {
  if (agents.length === 0) return html`<p>${title}</p>`
  return html`<table class="plain stacked agents">
    <caption>${title}</caption>
    <thead><tr>
      <th scope="col">Certname</th><th scope="col">Last seen</th><th scope="col" class="number">Run</th>
      <th scope="col" class="number">Compile</th><th scope="col">Failing</th><th scope="col">Puppet</th>
      <th scope="col">Environment</th><th scope="col">Master</th><th scope="col">Certificate</th>
    </tr></thead>
    <tbody>${agents.map(each => html`<${Row} key=${each.certname} agent=${each} at=${at} />`)}</tbody>
  </table>`
}

/** @param {{ readonly agent: AgentStatus, readonly at: string }} props */
function Row({ agent, at }) {
  const {
    certname,
    lastSeen,
    lastRunSeconds,
    compileSeconds,
    version,
    environment,
    master,
    certificateNotAfter
  } = agent
  const isEnding = daysBetween(at, certificateNotAfter) < SOON_DAYS
  return html`<tr>
    <th scope="row">${certname}</th>
    <td data-label="Last seen"><time datetime=${lastSeen}>${dayOf(lastSeen) === dayOf(at) ? timeOf(lastSeen) : dayOf(lastSeen)}</time></td>
    <td data-label="Run" class="number">${seconds(lastRunSeconds * 1000)}</td>
    <td data-label="Compile" class="number">${compileSeconds === null ? NOTHING : seconds(compileSeconds * 1000)}</td>
    <td data-label="Failing" class=${agent.failure === null ? '' : 'bad'}>${failureWords(agent)}</td>
    <td data-label="Puppet">${version ?? NOTHING}</td>
    <td data-label="Environment">${environment ?? NOTHING}</td>
    <td data-label="Master">${master ?? NOTHING}</td>
    <td data-label="Certificate" class=${isEnding ? 'bad' : ''}><time datetime=${certificateNotAfter}>${whenEnds(at, certificateNotAfter)}</time></td>
  </tr>`
}

/** @param {AgentStatus} agent */
function failureWords({ failure, failedRuns }) {
  if (failure === null) return NOTHING
  return failedRuns === 1 ? failure : `${failure}, ${failedRuns} runs`
}
