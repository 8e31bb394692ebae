/** What requests ask of JRubies, as it was measured: all that decides how load turns into waiting. Times in milliseconds. */
export interface Demand {
  /** How long catalogs take, as a few values of equal or unequal weight. None is empty. */
  readonly catalogs: readonly { readonly tookMs: number; readonly share: number }[]
  /** JRuby time of a run beside its catalog: files, plugins, the report. */
  readonly restMs: number
  /** Requests of a run beside its catalog. */
  readonly restCount: number
}

/**
 * At full load the slowest runs take so many times as long as at half load, by the formula. It overstates waits near the
 * end: a simulation of 4, 16 or 32 JRubies at the load that this gives sees two to four times as a rule; single hours differ more.
 */
const STRETCH = 4.2
/** The slowest of a hundred runs. */
const QUANTILE = 0.99
const HALF = 0.5
/** However many JRubies there are, no pool is to be loaded more. */
const MOST = 0.995
const STEPS = 40

/**
 * The load, as a share of so many JRubies, at which a pool is full: the run of which one in a hundred takes longer takes
 * `STRETCH` times as long as at half load. Few JRubies are full sooner than many, and uneven compile times fill them sooner
 * than even ones.
 *
 * A queue with c servers and Poisson arrivals (M/G/c). All of them are busy as often as Erlang's formula says. Who finds
 * them so waits for an exponential time. Its mean is that of the lowest of several classes without pre-emption, after
 * Bondi and Buzen: what is left of the work in hand, over c, over what catalogs and all others leave free. For the balancer
 * lets everything else go before catalogs.
 */
export function fullLoad(jrubies: number, demand: Demand): number {
  const goalMs = STRETCH * slowestRunMs(jrubies, HALF, demand)
  return bisect(HALF, MOST, load => slowestRunMs(jrubies, load, demand) < goalMs)
}

/** What a run takes of its masters that only one in a hundred exceeds, waiting included. */
export function slowestRunMs(jrubies: number, load: number, demand: Demand): number {
  const { catalogs, restMs } = demand
  const waits = waitsOf(jrubies, load, demand)
  const longestMs = Math.max(...catalogs.map(({ tookMs }) => tookMs))
  const exceeding = (totalMs: number) =>
    catalogs.reduce((sum, { tookMs, share }) => sum + share * waits.beyond(totalMs - restMs - tookMs), 0)
  const mostMs = restMs + longestMs + waits.meanMs * Math.log(2 / (1 - QUANTILE))
  return bisect(0, mostMs, totalMs => exceeding(totalMs) > 1 - QUANTILE)
}

/** How long catalogs wait: not at all, or for an exponential time. */
function waitsOf(jrubies: number, load: number, { catalogs, restMs, restCount }: Demand) {
  const catalogMs = catalogs.reduce((sum, { tookMs, share }) => sum + share * tookMs, 0)
  const square = catalogs.reduce((sum, { tookMs, share }) => sum + share * tookMs ** 2, 0)
  /** Of exponential times. */
  const restSquare = restCount === 0 ? 0 : 2 * restCount * (restMs / restCount) ** 2
  const residualMs = (square + restSquare) / (2 * (catalogMs + restMs))
  const restLoad = (load * restMs) / (catalogMs + restMs)
  const meanMs = residualMs / (jrubies * (1 - restLoad) * (1 - load))
  const mustWait = erlangC(jrubies, load * jrubies)
  return {
    meanMs,
    beyond: (ms: number) => (ms < 0 ? 1 : mustWait * Math.exp(-ms / meanMs))
  }
}

/** How likely all of so many servers are busy with a load of `erlangs`, less than there are. By Erlang's recursion for B. */
export function erlangC(servers: number, erlangs: number): number {
  let blocked = 1
  for (let each = 1; each <= servers; each++) blocked = (erlangs * blocked) / (each + erlangs * blocked)
  const load = erlangs / servers
  return blocked / (1 - load * (1 - blocked))
}

/** Where a condition that holds from `low` on ends. */
function bisect(low: number, high: number, holds: (value: number) => boolean): number {
  let [from, to] = [low, high]
  for (let step = 0; step < STEPS; step++) {
    const middle = (from + to) / 2
    if (holds(middle)) from = middle
    else to = middle
  }
  return (from + to) / 2
}
