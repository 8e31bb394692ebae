import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { EventLog } from '../model/event.ts'
import { type Operate, type Operation, type OperationReport, UnknownMasterError } from '../model/operation.ts'
import type { MasterStatus } from '../model/status.ts'
import type { ChangeQueue } from './change-queue.ts'
import type { JoinedMembers, MemberParts, PreparedMembers, Saying } from './joined-members.ts'
import { groupKey, type Overlay, saidOf, type Word, withGroupWord, withWord } from './overlay.ts'
import type { Roster } from './roster.ts'
import { idlePools } from './serving.ts'
import type { Supervisor } from './supervisor.ts'

/** As many names as fit a sentence. */
const NAMES_SHOWN = 20

export interface OperationsDeps {
  readonly changes: ChangeQueue
  readonly members: JoinedMembers
  /** Puts a change in force; resolves when all planes go by it. */
  readonly apply: (change: PreparedMembers) => Promise<void>
  readonly statuses: () => readonly MasterStatus[]
  readonly roster: Pick<Roster, 'current'>
  readonly supervisor: Pick<Supervisor, 'snapshot'>
  /** Whether all masters were probed once, and requests are served. */
  readonly hasStarted: () => boolean
  /** Why it would not outlive a restart, although it should; `undefined` when it does. */
  readonly problem: () => string | undefined
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
}

/**
 * What operators want of masters: drain, undrain, maint and weight. All but maint take their turn among the changes: `maint`
 * needs no probe, and waits for nobody's.
 */
export function createOperate(deps: OperationsDeps): Operate {
  const { changes, members } = deps
  return async (name, operation, asker) => {
    const order = { name, operation, asker }
    const since = members.mark()
    const inTurn = () =>
      changes.run(async () =>
        carryOut(order, deps, {
          // What was hastened since then was said later.
          said: overlay => members.withHastened(overlay, since),
          prepare: (saying, { overlay }) => members.prepare({ overlay: saying(overlay) })
        })
      )
    if (operation.action !== 'maint' || !deps.hasStarted() || !isKnown(order, deps)) return inTurn()
    return carryOut(order, deps, {
      // What waits may say something else of it, and was said before.
      isToHold: !changes.isIdle(),
      prepare: saying => members.hasten(saying, changes.isIdle)
    })
  }
}

interface Order {
  readonly name: string
  readonly operation: Operation
  readonly asker: string
}

interface Manner {
  /** What holds over it. */
  readonly said?: Saying
  /** It is to be said though it changes nothing now. */
  readonly isToHold?: boolean
  readonly prepare: (saying: Saying, parts: MemberParts) => PreparedMembers | Promise<PreparedMembers>
}

async function carryOut(
  { name, operation, asker }: Order,
  deps: OperationsDeps,
  { said = overlay => overlay, isToHold = false, prepare }: Manner
): Promise<OperationReport> {
  const parts = deps.members.current()
  const names = namesMeant(name, operation, parts, deps)
  const word = wordOf(operation)
  const saying: Saying = overlay =>
    said(names.includes(name) ? withWord(overlay, names, word) : withGroupWord(overlay, name, word))
  const overlay = saying(parts.overlay)
  const touched = names.filter(each => !isSame(each, parts.overlay, overlay))
  if (isToHold || !isDeepStrictEqual(parts.overlay, overlay)) await deps.apply(await prepare(saying, parts))
  const asked = { names, touched, operation }
  const report = reportOf(asked, deps)
  tell(asked, { asker, report }, deps)
  return report
}

/** One that is not known now may be in its turn. */
function isKnown({ name, operation }: Order, deps: OperationsDeps): boolean {
  try {
    namesMeant(name, operation, deps.members.current(), deps)
    return true
  } catch (error) {
    if (error instanceof UnknownMasterError) return false
    throw error
  }
}

function wordOf(operation: Operation): Word {
  switch (operation.action) {
    case 'drain':
      return { mode: 'draining' }
    case 'maint':
      return { mode: 'maint' }
    case 'undrain':
      return { mode: 'active' }
    case 'weight':
      return { weight: operation.weight }
  }
}

/** The masters of this name, or of names below it. What is kept of other names can be taken back. */
function namesMeant(
  name: string,
  operation: Operation,
  { masters, overlay }: MemberParts,
  { roster }: OperationsDeps
): readonly string[] {
  const takesBack =
    operation.action === 'undrain' || (operation.action === 'weight' && operation.weight === 'default')
  const known = new Set([...masters.map(each => each.name), ...(takesBack ? overlay.keys() : [])])
  if (known.has(name)) return [name]
  const below = [...known].filter(each => each.startsWith(groupKey(name)) && !each.endsWith('/'))
  if (below.length > 0 || known.has(groupKey(name))) return below
  if (name === roster.current().ca.name)
    throw new UnknownMasterError('ca is the CA master: there is no other to take its place')
  const shown = JSON.stringify(name.slice(0, 100))
  if (roster.current().masters.some(each => each.name === name))
    throw new UnknownMasterError(`${shown} is leaving: it is named no more, and ends its work`)
  const names = masters.map(each => each.name)
  const more = names.length > NAMES_SHOWN ? `, and ${names.length - NAMES_SHOWN} more` : ''
  const there = names.length === 0 ? 'none' : `${names.slice(0, NAMES_SHOWN).join(', ')}${more}`
  throw new UnknownMasterError(`there is no master ${shown}; there is ${there}`)
}

interface Asked {
  readonly names: readonly string[]
  /** Those for which it changed anything. */
  readonly touched: readonly string[]
  readonly operation: Operation
}

function reportOf(asked: Asked, { statuses, supervisor, problem }: OperationsDeps): OperationReport {
  const { names, touched, operation } = asked
  const all = statuses()
  const masters = names.flatMap(name => all.find(each => each.name === name && each.mode !== 'leaving') ?? [])
  const notKept = touched.length > 0 ? problem() : undefined
  return {
    done: names.map(name => {
      const master = masters.find(each => each.name === name)
      if (!master) return `${name} is no master now: what was said of it is forgotten`
      return sentenceOf(operation, master, touched.includes(name))
    }),
    masters,
    warnings: [
      ...masters.flatMap(master => doubtsAbout(operation, master)),
      ...idlePools(supervisor.snapshot()).map(whose => `${whose} takes new runs now`),
      ...(notKept === undefined ? [] : [notKept])
    ]
  }
}

function sentenceOf(
  operation: Operation,
  { name, mode, weight, configuredWeight }: MasterStatus,
  isNew: boolean
): string {
  switch (operation.action) {
    case 'drain':
      if (mode === 'maint') return saidLater(name)
      if (isNew) return `${name} drains: it takes no new runs, and ends those it has`
      return mode === 'drained' ? `${name} is drained already` : `${name} drains already`
    case 'undrain':
      if (mode === 'maint') return saidLater(name)
      return isNew ? `${name} is given back to work` : `${name} neither drains nor is in maintenance`
    case 'maint':
      return isNew
        ? `${name} is in maintenance: it gets no requests, and is not probed`
        : `${name} is in maintenance already`
    case 'weight':
      return operation.weight === 'default'
        ? `${name} has the weight ${weight} that is configured`
        : `${name} has the weight ${weight}; ${configuredWeight} is configured`
  }
}

/** It went into maintenance while this waited for its turn. */
function saidLater(name: string): string {
  return `${name} is in maintenance, as was said meanwhile`
}

function doubtsAbout(
  { action }: Operation,
  { name, mode, state, cause, weight }: MasterStatus
): readonly string[] {
  if (action === 'undrain' && weight === 0) return [`${name} has the weight 0: it takes no new runs`]
  if (action === 'undrain' && state !== 'up')
    return [`${name} is ${state} (${cause ?? 'no cause is known'}): it gets work when it is up`]
  if (action === 'weight' && mode !== 'active') return [`${name} is ${mode}: the weight counts after that`]
  return []
}

function tell(
  { names, touched, operation }: Asked,
  { asker, report }: { readonly asker: string; readonly report: OperationReport },
  { log, events }: OperationsDeps
): void {
  for (const name of touched) {
    const sentence = report.done[names.indexOf(name)]
    log.info({ master: name, ...operation, asker }, 'an operator has changed a master')
    events.add({ kind: `master-${operation.action}`, text: `${sentence} (${asker})`, master: name })
  }
  if (touched.length > 0) for (const warning of report.warnings) log.warn(warning)
}

/** Whether the same holds for a name. */
function isSame(name: string, before: Overlay, after: Overlay): boolean {
  const [was, is] = [saidOf(name, before), saidOf(name, after)]
  return (
    (was.mode ?? 'active') === (is.mode ?? 'active') && (was.weight ?? 'default') === (is.weight ?? 'default')
  )
}
