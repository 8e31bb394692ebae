import { allCatalogs, isFailing } from './catalogs.js'
import { count, percent } from './format.js'
import { areMostRefused } from './refused.js'
import { isTrouble } from './standing.js'

/** @import { Overview } from '../../../model/overview.ts' */
/** @typedef {Pick<Overview, 'notReady' | 'status' | 'work' | 'refused'>} Seen */

/**
 * Whether agents are served, in a line.
 * @param {Seen} view
 */
export function headlineOf(view) {
  const { notReady, status } = view
  if (notReady !== null) return 'Agents are not served'
  const wanted = status.masters.filter(({ mode }) => mode === 'active')
  const out = wanted.filter(isTrouble).length
  if (areMostRefused(view)) return 'Most agents are refused for their certificates'
  if (isFailing(view))
    return `Agents are answered, but ${percent(allCatalogs(view).share)} of their catalogs fail`
  if (out === 0) return `Agents are served by ${count(wanted.length, 'master')}`
  return `Agents are served, but ${out} of ${count(wanted.length, 'master')} ${out === 1 ? 'is' : 'are'} out`
}

/**
 * For the tab: what is wrong comes first.
 * @param {Seen & Pick<Overview, 'hostname'>} view
 */
export function titleOf(view) {
  const isWell =
    view.notReady === null &&
    !view.status.masters.some(isTrouble) &&
    !isFailing(view) &&
    !areMostRefused(view)
  return `${isWell ? '' : '⚠ '}${headlineOf(view)} – puppet-lb ${view.hostname}`
}
