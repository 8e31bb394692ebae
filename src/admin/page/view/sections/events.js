import { dayOf, timeOf } from '../format.js'
import { html } from '../html.js'

/** @import { Overview } from '../../../../model/overview.ts' */

/**
 * What happened last.
 * @param {{ readonly view: Overview }} props
 */
export function Events({ view: { at, events } }) {
  return html`<section aria-labelledby="events">
    <h2 id="events">Events <small>the newest first, times are UTC</small></h2>
    ${
      events.length === 0
        ? html`<p>Nothing has happened yet.</p>`
        : html`<ol class="events" tabindex="0" aria-labelledby="events">
        ${events.map(
          each => html`<li key=${each.id}>
          <time datetime=${each.at}>${dayOf(each.at) === dayOf(at) ? '' : `${dayOf(each.at)} `}${timeOf(each.at)}</time>${' '}
          <span class="kind">${each.kind}</span> <span>${each.text}</span>
        </li>`
        )}
      </ol>`
    }
  </section>`
}
