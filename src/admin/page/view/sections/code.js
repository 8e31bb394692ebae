import { dayOf, timeOf } from '../format.js'
import { html } from '../html.js'

/** @import { CodeStatus } from '../../../../model/code.ts' */
/** @import { Overview } from '../../../../model/overview.ts' */
/** @import { Live } from '../page.js' */

/** Masters of a version that are named one by one. */
const NAMED = 6
/** A version of more characters is cut: a commit has 40. */
const VERSION_CHARACTERS = 48

/**
 * Which code masters serve for each environment, and whether it is the same; and a button that has them read it anew.
 * @param {{ readonly view: Overview, readonly live?: Live | undefined }} props
 */
export function Code({ view, live }) {
  const { code } = view.status
  return html`<section aria-labelledby="code">
    <h2 id="code">Code <small>as the catalogs of the last two hours show it, times are UTC</small></h2>
    ${
      code.length === 0
        ? html`<p>No catalog has shown yet which code masters serve.</p>`
        : html`<table class="plain stacked code">
      <thead><tr>
        <th scope="col">Environment</th><th scope="col">Masters</th><th scope="col">Versions</th>${live && html`<th scope="col">Do</th>`}
      </tr></thead>
      <tbody>${code.map(each => html`<${Row} key=${each.environment} code=${each} at=${view.at} live=${live} />`)}</tbody>
    </table>`
    }
    ${live && html`<p class="actions"><button type="button" onClick=${() => live.ask('', 'flush')}>flush all environments</button></p>`}
  </section>`
}

/** @param {{ readonly code: CodeStatus, readonly at: string, readonly live?: Live | undefined }} props */
function Row({ code: { environment, versions, differsSince, masters }, at, live }) {
  const isSame = differsSince === null
  return html`<tr>
    <th scope="row">${environment}</th>
    <td data-label="Masters">
      <span class=${`badge ${versions === 0 ? 'off' : isSame ? 'good' : 'bad'}`}>${versions === 0 ? 'not known' : isSame ? 'the same' : 'differ'}</span>
      ${!isSame && html`<span class="cause">since ${dayOf(differsSince) === dayOf(at) ? '' : `${dayOf(differsSince)} `}${timeOf(differsSince)}</span>`}
    </td>
    <td data-label="Versions"><div>${[...Map.groupBy(masters, ({ version }) => version)].map(
      ([version, of]) =>
        html`<div key=${version}><code>${version === null ? 'not told' : cut(version)}</code> <small>${named(of.map(({ name }) => name))}</small></div>`
    )}</div></td>
    ${
      live &&
      html`<td data-label="Do" class="actions"><button type="button" aria-label=${`flush ${environment}`} onClick=${() => live.ask(environment, 'flush')}>flush</button></td>`
    }
  </tr>`
}

/** @param {string} version */
function cut(version) {
  return version.length <= VERSION_CHARACTERS ? version : `${version.slice(0, VERSION_CHARACTERS)}…`
}

/** @param {readonly string[]} names */
function named(names) {
  const more = names.length - NAMED
  return `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
