import type { Logger } from 'pino'
import type { CodeSighting, CodeStatus } from '../../model/code.ts'
import type { EventLog } from '../../model/event.ts'
import { isOut, type Master, type MasterState, takesNewRuns } from '../../model/master.ts'
import { sharePool } from '../../model/pool.ts'
import type { Runtime } from '../../model/runtime.ts'
import { type Agreement, agreementOf } from './agreement.ts'
import { createCodeBook, type ServedVersion } from './code-book.ts'

/** Whether masters serve the same code, as their catalogs show it. */
export interface CodeInSync {
  readonly note: (sighting: CodeSighting) => void
  readonly status: () => readonly CodeStatus[]
}

export interface CodeInSyncDeps {
  /** All that the roster has. */
  readonly masters: () => readonly Master[]
  readonly stateOf: (id: number) => MasterState
  readonly runtime: Pick<Runtime, 'now' | 'wallClock'>
  readonly log: Pick<Logger, 'info'>
  readonly events: Pick<EventLog, 'add'>
}

interface Served extends ServedVersion {
  readonly master: Master
}

/** As many names as fit a sentence. */
const NAMES_SHOWN = 5

/** Compares the code of masters of one pool that new runs go to, and tells when they begin and cease to differ. */
export function createCodeInSync({ masters, stateOf, runtime, log, events }: CodeInSyncDeps): CodeInSync {
  const book = createCodeBook()
  /** Environments whose masters differ, and since when. */
  const differing = new Map<string, number>()

  function served(environment: string): readonly Served[] {
    const known = new Map(masters().map(master => [master.id, master]))
    return book.servedOf(environment, runtime.now()).flatMap(each => {
      const master = known.get(each.masterId)
      return master && serves(master) ? [{ ...each, master }] : []
    })
  }

  /** One that is out, or is to be, harms nobody with what it had. */
  function serves(master: Master): boolean {
    return takesNewRuns(master) && !isOut(stateOf(master.id))
  }

  function statusOf(environment: string): CodeStatus {
    const all = served(environment)
    const agreement = agreementOf(all, ({ master: one }, { master: other }) => sharePool(one, other))
    const sinceMs = follow(environment, agreement, all)
    return {
      environment,
      versions: sinceMs === undefined ? agreement.versions : agreement.lastKnown,
      differsSince: sinceMs === undefined ? null : iso(sinceMs),
      masters: all
        .map(({ master: { name }, version, firstMs, lastMs }) => ({
          name,
          version,
          since: iso(firstMs),
          seen: iso(lastMs)
        }))
        .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.since < b.since ? -1 : 1))
    }
  }

  /** They differ from the first difference on until all that is known of them is the same. */
  function follow(
    environment: string,
    { differsSinceMs, lastKnown }: Agreement,
    all: readonly Served[]
  ): number | undefined {
    const beforeMs = differing.get(environment)
    if (beforeMs !== undefined) {
      if (lastKnown > 1) return beforeMs
      differing.delete(environment)
      say(environment, 'masters no longer serve different code', all)
    } else if (differsSinceMs !== undefined) {
      differing.set(environment, differsSinceMs)
      say(environment, 'masters serve different code', all)
    }
    return differing.get(environment)
  }

  function say(environment: string, what: string, all: readonly Served[]): void {
    const text = `${what} of the environment ${environment}${all.length > 0 ? `: ${describe(all)}` : ''}`
    log.info({ environment }, text)
    events.add({ kind: 'code', text })
  }

  function iso(ms: number): string {
    return new Date(runtime.wallClock() - runtime.now() + ms).toISOString()
  }

  function status(): readonly CodeStatus[] {
    book.retain(new Set(masters().map(({ id }) => id)))
    const environments = book.environments()
    for (const each of differing.keys()) if (!environments.includes(each)) differing.delete(each)
    return environments.map(statusOf).filter(({ masters }) => masters.length > 0)
  }

  return {
    note(sighting) {
      if (!masters().some(({ id }) => id === sighting.masterId)) return
      book.note(sighting)
      statusOf(sighting.environment)
    },
    status
  }
}

/** Each version with its masters. */
function describe(all: readonly Served[]): string {
  const byVersion = Map.groupBy(all, ({ version }) => version)
  return [...byVersion]
    .map(([version, of]) => `${version ?? 'unknown'} on ${named(of.map(({ master }) => master.name))}`)
    .join('; ')
}

function named(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN
  return `${names.slice(0, NAMES_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
