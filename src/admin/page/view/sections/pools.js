import { html } from '../html.js'

/** @import { Overview } from '../../../../model/overview.ts' */

/**
 * Who serves and who waits in each pool. Nothing where all masters are in the default one.
 * @param {{ readonly view: Overview }} props
 */
export function Pools({ view }) {
  const { pools = [] } = view.status
  if (pools.length === 0) return null
  return html`<section aria-labelledby="pools">
    <h2 id="pools">Pools</h2>
    <table class="plain stacked">
      <thead><tr>
        <th scope="col">Pool</th><th scope="col" class="number">Masters up</th>
        <th scope="col" class="number">Catalogs waiting</th><th scope="col" class="number">Reports</th>
        <th scope="col" class="number">Light</th>
      </tr></thead>
      <tbody>
        ${pools.map(
          ({ name, up, queue }) => html`<tr key=${name}>
          <th scope="row">${name}</th>
          <td data-label="Masters up" class=${`number ${up === 0 ? 'bad' : ''}`}>${up}</td>
          <td data-label="Catalogs" class="number">${queue.catalog}</td>
          <td data-label="Reports" class="number">${queue.report}</td>
          <td data-label="Light" class="number">${queue.light}</td>
        </tr>`
        )}
      </tbody>
    </table>
  </section>`
}
