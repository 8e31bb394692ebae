import { allCatalogs } from './catalogs.js'

/** @import { Overview } from '../../../model/overview.ts' */

/** An agent that was revoked and comes on makes a few each half hour. */
export const MANY_REFUSED = 50
/** A limit that is met once is what it is there for. */
export const MANY_LIMITED = 10

/**
 * Whether more is refused for certificates than is served: then it is no single agent.
 * @param {Pick<Overview, 'refused' | 'work'>} view
 */
export function areMostRefused({ refused: { certificates }, work }) {
  return certificates >= MANY_REFUSED && certificates > allCatalogs({ work }).catalogs
}
