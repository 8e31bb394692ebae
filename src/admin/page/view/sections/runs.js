import { Chart } from '../chart.js'
import { count, grouped, timeOf } from '../format.js'
import { herdOf } from '../herd.js'
import { html } from '../html.js'

/** @import { Overview, RunsOfMinute } from '../../../../model/overview.ts' */

/**
 * How many runs there were, minute by minute, and whether agents come all at once.
 * @param {{ readonly view: Overview }} props
 */
export function Runs({ view: { runs } }) {
  const herd = herdOf(runs)
  const all = runs.map(({ given, failed }) => (given === null ? null : given + (failed ?? 0)))
  return html`<section aria-labelledby="runs">
    <h2 id="runs">Runs <small>times are UTC</small></h2>
    <div class="charts">
      <${Chart}
        title="Runs per minute" summary=${hourSummary(runs, all)} isTime=${true}
        x=${runs.map(({ at }) => Date.parse(at) / 1000)}
        series=${[{ label: 'Runs', colour: 'accent' }, { label: 'Failed', colour: 'bad' }]}
        values=${[all, runs.map(({ failed }) => failed)]} />
      <${Chart}
        title="Herd by minute of the half hour" summary=${herdSummary(herd)} isTime=${false}
        x=${herd.map((_, minute) => minute)}
        series=${[{ label: 'Runs', colour: 'accent' }]} values=${[herd]} />
    </div>
  </section>`
}

/**
 * @param {readonly RunsOfMinute[]} runs
 * @param {readonly (number | null)[]} all
 */
function hourSummary(runs, all) {
  const last = all.at(-1)
  if (last === null || last === undefined) return 'Counting began less than two minutes ago.'
  const most = Math.max(...all.map(each => each ?? 0))
  const at = timeOf(runs[all.indexOf(most)]?.at ?? '').slice(0, 5)
  return `${count(last, 'run')} in the last full minute; most: ${grouped(most)} at ${at}.`
}

/** @param {readonly (number | null)[]} herd */
function herdSummary(herd) {
  const known = herd.filter(each => each !== null)
  const sum = known.reduce((total, each) => total + each, 0)
  if (sum === 0) return 'No runs to tell of yet.'
  const mean = sum / known.length
  const most = Math.max(...known)
  const minute = herd.indexOf(most)
  const times = (most / mean).toFixed(1)
  const told = `The fullest minute is ${minute} and ${minute + 30}: ${times} × the mean.`
  return known.length < herd.length ? `${told} ${known.length} of 30 minutes are known so far.` : told
}
