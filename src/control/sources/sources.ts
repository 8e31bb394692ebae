import type { Logger } from 'pino'
import type { EventLog } from '../../model/event.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Settings } from '../../model/settings.ts'
import { addressesIn, join, type Named } from './join.ts'
import { createLookups, type Lookups } from './lookups.ts'
import type { IsOwn } from './own-places.ts'
import { type Question, questionsOf } from './question.ts'
import { refusalsOf } from './refused-targets.ts'
import type { AskDns } from './resolver.ts'
import { nextLists, noLists, type SrvLists } from './srv-members.ts'

/** The settings that say who is a member. */
export type SourceSettings = Pick<Settings, 'masters' | 'ca' | 'discovery'> & {
  readonly listen: Pick<Settings['listen'], 'tcp'>
}

export interface SourcesDeps {
  readonly ask: AskDns['ask']
  /** Looks where this process serves now. */
  readonly ownPlaces: () => IsOwn
  /** Called when the sources may name others than before. */
  readonly changed: () => void
  readonly runtime: Pick<Runtime, 'schedule'>
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly events: Pick<EventLog, 'add'>
}

/** Other settings, looked up. */
export interface PreparedSources {
  readonly named: Named
  /** They are in force from now on. */
  readonly commit: () => void
  /** They will not be: what they alone lead to is asked no more. */
  readonly cancel: () => void
}

/** Who the file and DNS say is a member, and where. */
export interface Sources extends Pick<Lookups, 'failures' | 'unknown' | 'settled' | 'stop'> {
  /** By the settings in force and all that is known now. */
  readonly named: () => Named
  /** Asks everything that other settings lead to, and waits for answers as long as `settled` does. */
  readonly prepare: (settings: SourceSettings, timeoutMs: number) => Promise<PreparedSources>
}

/** `first` are in force already; what they lead to is asked from now on. */
export function createSources(first: SourceSettings, deps: SourcesDeps): Sources {
  let settings = first
  let next: SourceSettings | undefined
  const lists = new Map<string, SrvLists>()
  let told: readonly string[] = []
  const lookups = createLookups({
    ...deps,
    changed() {
      want()
      deps.changed()
    }
  })
  want()

  /** The records of a domain, by what is known now. */
  function listsOf({ discovery: { srv }, masters, listen: { tcp } }: SourceSettings): SrvLists {
    if (!srv) return noLists
    const addressesOf = (name: string) => addressesIn(name, lookups.known({ kind: 'target', name }))
    const refusals = refusalsOf({ masters, tcp, isOwn: deps.ownPlaces(), addressesOf })
    const current = nextLists(lists.get(srv.domain) ?? noLists, srv.domain, lookups.known, refusals)
    lists.set(srv.domain, current)
    return current
  }

  function want(): void {
    const questionsFor = (each: SourceSettings): readonly Question[] =>
      questionsOf(each, listsOf(each).wanted)
    // Those of `next` come last: where both ask for a name, they say how.
    lookups.want([...questionsFor(settings), ...(next ? questionsFor(next) : [])])
  }

  function namedBy(each: SourceSettings): Named {
    return join(each, listsOf(each), lookups.known)
  }

  function tell({ remarks }: Named): void {
    for (const remark of remarks) if (!told.includes(remark)) deps.log.warn(remark)
    told = remarks
  }

  return {
    ...lookups,
    named() {
      const named = namedBy(settings)
      tell(named)
      return named
    },
    async prepare(wanted, timeoutMs) {
      next = wanted
      want()
      lookups.again()
      await lookups.settled(timeoutMs)
      const end = (inForce: SourceSettings) => {
        settings = inForce
        next = undefined
        for (const domain of lists.keys()) if (domain !== settings.discovery.srv?.domain) lists.delete(domain)
        want()
      }
      return { named: namedBy(wanted), commit: () => end(wanted), cancel: () => end(settings) }
    }
  }
}
