/** @import { MasterWork, Overview } from '../../../model/overview.ts' */

/** From here on catalogs fail that an agent cannot do without; fewer may be one agent's own manifest. */
const FEWEST_FAILED = 5
const MOST = 0.5
/** A smaller share of failed catalogs that is no accident, and of how many it has to be. */
const SOME = 0.05
const FEWEST_CATALOGS = 20
/** Of so many catalogs it can be said how long they take. */
const FEWEST_GIVEN = 10
/** A master that takes so many times as long as others of its pools, and so much longer, is slow. */
const SLOW_TIMES = 3
const SLOW_MS = 500

/** @typedef {{ readonly catalogs: number, readonly failed: number, readonly share: number | null }} Catalogs */

/**
 * The catalogs of all masters in the last ten minutes; `share`: of these, how many failed.
 * @param {Pick<Overview, 'work'>} view
 * @returns {Catalogs}
 */
export function allCatalogs({ work }) {
  const catalogs = work.reduce((sum, each) => sum + each.catalogs, 0)
  const failed = work.reduce((sum, each) => sum + failedOf(each), 0)
  return { catalogs, failed, share: catalogs === 0 ? null : failed / catalogs }
}

/**
 * Whether most catalogs fail, whoever was asked for them: then agents are answered, and not served.
 * @param {Pick<Overview, 'work'>} view
 */
export function isFailing(view) {
  const { failed, share } = allCatalogs(view)
  return failed >= FEWEST_FAILED && (share ?? 0) >= MOST
}

/**
 * Whether a master fails most of its catalogs, or more than by accident.
 * @param {MasterWork | undefined} work
 */
export function failsCatalogs(work) {
  if (work === undefined || work.failedShare === null) return false
  const { catalogs, failedShare } = work
  if (failedShare >= MOST && failedOf(work) >= FEWEST_FAILED) return true
  return failedShare >= SOME && catalogs >= FEWEST_CATALOGS
}

/**
 * What the others of a master's pools take for half of their catalogs, in milliseconds, where this one takes much longer;
 * `undefined` where it does not. Masters of other pools have other agents.
 * @param {Pick<Overview, 'status' | 'work'>} view
 * @param {number} index Of the master.
 * @returns {number | undefined}
 */
export function muchFasterPeersMs({ status: { masters }, work }, index) {
  const own = usualMs(work[index])
  const pools = masters[index]?.pools ?? []
  const peersMs = masters
    .flatMap((master, at) => {
      const ms =
        at !== index && master.pools.some(pool => pools.includes(pool)) ? usualMs(work[at]) : undefined
      return ms === undefined ? [] : [ms]
    })
    .sort((a, b) => a - b)
  const middle = peersMs[Math.floor((peersMs.length - 1) / 2)]
  if (own === undefined || middle === undefined) return undefined
  return own > SLOW_TIMES * middle && own - middle >= SLOW_MS ? middle : undefined
}

/** @param {MasterWork | undefined} work */
function usualMs(work) {
  if (!work?.compile || work.catalogs - failedOf(work) < FEWEST_GIVEN) return undefined
  return work.compile.p50Ms
}

/** @param {MasterWork} work */
function failedOf({ catalogs, failedShare }) {
  return Math.round(catalogs * (failedShare ?? 0))
}
