import type { Logger } from 'pino'
import type { Flush } from '../../model/code.ts'
import type { EventLog } from '../../model/event.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Settings } from '../../model/settings.ts'
import type { Roster } from '../roster.ts'
import type { Supervisor } from '../supervisor.ts'
import { type CodeInSync, createCodeInSync } from './code-in-sync.ts'
import { createFlush } from './flush.ts'

/** What is done about the masters' code: seen whether it is the same, and their caches flushed. */
export interface CodeCare extends CodeInSync {
  readonly flush: Flush
}

export interface CodeCareDeps {
  readonly roster: Pick<Roster, 'current'>
  readonly stateOf: Supervisor['stateOf']
  readonly settings: () => Settings
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
}

/** Composition, no rules. */
export function createCodeCare({ roster, ...deps }: CodeCareDeps): CodeCare {
  const masters = () => roster.current().masters
  return { ...createCodeInSync({ ...deps, masters }), flush: createFlush({ ...deps, masters }) }
}
