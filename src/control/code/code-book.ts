import type { CodeSighting } from '../../model/code.ts'

/** A version of an environment that one master was seen to serve. */
export interface ServedVersion {
  readonly masterId: number
  /** null: its catalogs do not say. */
  readonly version: string | null
  /** When the first and the last catalog of it that were looked at had been asked for. */
  readonly firstMs: number
  readonly lastMs: number
}

/** What masters were seen to serve. */
export interface CodeBook {
  readonly note: (sighting: CodeSighting) => void
  /** Names of environments, in their order. */
  readonly environments: () => readonly string[]
  /** The versions that masters serve of an environment, as far as that is known at this moment. */
  readonly servedOf: (environment: string, nowMs: number) => readonly ServedVersion[]
  /** Drops whatever is said of other masters than these. */
  readonly retain: (masterIds: ReadonlySet<number>) => void
}

/** Most environments that are kept; those that were not seen for longest give way. */
const MAX_ENVIRONMENTS = 100
/** Most versions that are kept of one master and environment. */
const MAX_VERSIONS = 4
/** What nobody was seen to get for so long is known no more: a few runs of an agent. */
const KNOWN_MS = 2 * 60 * 60_000
/**
 * Each JRuby keeps its code for itself, so that one master may serve two versions in turn until its caches are flushed.
 * A version that came back counts until nothing but others was seen for so long.
 */
export const MIXED_MS = 5 * 60_000

/** Pure but for what it keeps: no clock of its own. */
export function createCodeBook(): CodeBook {
  const byEnvironment = new Map<string, Map<number, ServedVersion[]>>()

  function makeRoom(): void {
    if (byEnvironment.size < MAX_ENVIRONMENTS) return
    const lastSeen = (masters: ReadonlyMap<number, readonly ServedVersion[]>) =>
      Math.max(...[...masters.values()].flat().map(({ lastMs }) => lastMs))
    const [oldest] = [...byEnvironment].sort(([, a], [, b]) => lastSeen(a) - lastSeen(b))
    if (oldest) byEnvironment.delete(oldest[0])
  }

  function mastersOf(environment: string): Map<number, ServedVersion[]> {
    const known = byEnvironment.get(environment)
    if (known) return known
    makeRoom()
    const masters = new Map<number, ServedVersion[]>()
    byEnvironment.set(environment, masters)
    return masters
  }

  return {
    note({ masterId, environment, version, askedAtMs }) {
      const masters = mastersOf(environment)
      const known = masters.get(masterId) ?? []
      const before = known.find(each => each.version === version)
      const served = {
        masterId,
        version,
        // Catalogs that were asked for earlier may come later.
        firstMs: Math.min(before?.firstMs ?? askedAtMs, askedAtMs),
        lastMs: Math.max(before?.lastMs ?? askedAtMs, askedAtMs)
      }
      const all = [...known.filter(each => each !== before), served].sort((a, b) => b.lastMs - a.lastMs)
      masters.set(masterId, all.slice(0, MAX_VERSIONS))
    },
    environments: () => [...byEnvironment.keys()].sort(),
    servedOf(environment, nowMs) {
      const masters = byEnvironment.get(environment)
      const known = [...(masters?.values() ?? [])].flatMap(versions => versions.filter(isInForce(versions)))
      return known.filter(({ lastMs }) => nowMs - lastMs < KNOWN_MS)
    },
    retain(masterIds) {
      for (const [environment, masters] of byEnvironment) {
        for (const id of masters.keys()) if (!masterIds.has(id)) masters.delete(id)
        if (masters.size === 0) byEnvironment.delete(environment)
      }
    }
  }
}

/** One that another one of its master follows is over, and so is one that was not seen for long while another was. */
function isInForce(versions: readonly ServedVersion[]): (served: ServedVersion) => boolean {
  return served =>
    !versions.some(({ firstMs, lastMs }) => firstMs > served.lastMs || lastMs > served.lastMs + MIXED_MS)
}
