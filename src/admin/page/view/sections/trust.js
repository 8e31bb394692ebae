import { count, dayOf, daysBetween, timeOf, whenEnds } from '../format.js'
import { html } from '../html.js'

/** @import { Status } from '../../../../model/status.ts' */
/** @import { Overview } from '../../../../model/overview.ts' */

const SOON_DAYS = 30

/**
 * The CA, certificates with their ends, revocation lists, and the configuration in force.
 * @param {{ readonly view: Overview }} props
 */
export function Trust({ view: { at, status } }) {
  return html`<section aria-labelledby="trust">
    <h2 id="trust">CA and certificates</h2>
    <${Ca} ca=${status.ca} />
    <table class="plain">
      <thead><tr><th scope="col">Certificate</th><th scope="col">Ends</th><th scope="col">From</th></tr></thead>
      <tbody>
        ${status.certificates.map(
          ({ role, notAfter, source, renewed }) => html`<tr key=${`${role} ${source}`}>
          <th scope="row">${role}</th>
          <td class=${!renewed && daysBetween(at, notAfter) < SOON_DAYS ? 'bad' : ''}>
            <time datetime=${notAfter}>${dayOf(notAfter)}</time>, ${whenEnds(at, notAfter)}${renewed && ', renewed beside it'}
          </td>
          <td class="quiet">${source}</td>
        </tr>`
        )}
      </tbody>
    </table>
    <${Revocations} at=${at} crl=${status.crl} />
    <p>Configuration: read on ${dayOf(status.reload.at)} at ${timeOf(status.reload.at)} UTC, ${status.reload.ok ? 'in force' : 'refused'}.</p>
  </section>`
}

/** @param {{ readonly ca: Status['ca'] }} props */
function Ca({ ca: { url, state, cause } }) {
  const tone = state === 'up' || state === 'warming' ? 'good' : state === 'unknown' ? 'warn' : 'bad'
  return html`<p>CA ${url} <span class=${`badge ${tone}`}>${state}</span>${cause !== null && html`<span class="cause">${cause}</span>`}</p>`
}

/** @param {{ readonly at: string, readonly crl: Status['crl'] }} props */
function Revocations({ at, crl }) {
  if (crl === null) return html`<p>Revocation lists: none.</p>`
  const { entries, number, thisUpdate, nextUpdate, source } = crl
  return html`<p>
    Revocation lists: ${count(entries, 'certificate')} revoked, ${number !== null && `number ${number}, `}of ${dayOf(thisUpdate)},${' '}
    ${nextUpdate === null ? 'no next one named' : html`next due <time datetime=${nextUpdate}>${dayOf(nextUpdate)}</time>, ${whenEnds(at, nextUpdate)}`}.${' '}
    <span class="quiet">${source}</span>
  </p>`
}
