import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { EventLog } from '../../model/event.ts'
import type { Runtime } from '../../model/runtime.ts'
import { createPlaces } from './places.ts'
import { type Answer, type Known, keyOf, type Question } from './question.ts'
import type { AskDns } from './resolver.ts'

/** A name of which nothing is known at all is asked for again after this time, if that is sooner. */
const AGAIN_MS = 5_000

export interface LookupsDeps {
  readonly ask: AskDns['ask']
  /** Called when something else is known than before. */
  readonly changed: () => void
  readonly runtime: Pick<Runtime, 'schedule'>
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly events: Pick<EventLog, 'add'>
}

/**
 * Asks DNS the questions that are wanted, each again and again, and remembers the last answer that said something:
 * neither silence nor an error nor an empty answer takes it away.
 */
export interface Lookups {
  /** What is to be known from now on. New questions are asked at once; of all others the answers are forgotten. */
  readonly want: (questions: readonly Question[]) => void
  /** Asks everything anew, without waiting for its time. */
  readonly again: () => void
  readonly known: (question: Pick<Question, 'kind' | 'name'>) => Known
  /** Resolves when no answer is due but of names that failed before, or after a time. */
  readonly settled: (timeoutMs: number) => Promise<void>
  /** Names of which no address or record was ever heard, with why. */
  readonly unknown: () => readonly { readonly name: string; readonly cause: string }[]
  /** How often each wanted name could not be looked up. */
  readonly failures: () => readonly { readonly name: string; readonly count: number }[]
  readonly stop: () => void
}

interface Entry {
  question: Question
  known: Known
  failures: number
  /** It waits for a place, or for its answer. */
  isDue: boolean
  cancel: () => void
}

const nothing: Known = { answer: undefined, cause: undefined, isTried: false }

export function createLookups({ ask, changed, runtime, log, events }: LookupsDeps): Lookups {
  const entries = new Map<string, Entry>()
  const places = createPlaces()
  const waiting = new Set<() => void>()
  let isStopped = false

  const isSettled = () => [...entries.values()].every(({ isDue, known }) => !isDue || isFailing(known))

  function look(key: string, entry: Entry): void {
    if (entry.isDue) return
    entry.isDue = true
    entry.cancel()
    places.run(isFailing(entry.known), async () => {
      if (!isWanted(key, entry)) return
      const { question } = entry
      try {
        heard(entry, await ask(question, addressesOf(entry.known)))
      } catch (error) {
        if (isWanted(key, entry)) failed(entry, error as NodeJS.ErrnoException)
      }
      entry.isDue = false
      if (!isWanted(key, entry)) return
      if (entry.question === question) scheduleNext(key, entry)
      else look(key, entry)
      tellSettled()
    })
  }

  function tellSettled(): void {
    if (isSettled()) for (const resolve of waiting) resolve()
  }

  function isWanted(key: string, entry: Entry): boolean {
    return !isStopped && entries.get(key) === entry
  }

  function scheduleNext(key: string, entry: Entry): void {
    const { refreshMs } = entry.question
    const delayMs = entry.known.answer ? refreshMs : Math.min(refreshMs, AGAIN_MS)
    entry.cancel = runtime.schedule(delayMs, () => look(key, entry))
  }

  function heard(entry: Entry, answer: Answer): void {
    const { question, known } = entry
    if (known.cause !== undefined) tellAnswered(question)
    entry.known = {
      answer: isSame(known.answer, answer) ? known.answer : answer,
      cause: undefined,
      isTried: true
    }
    if (entry.known.answer !== known.answer) changed()
  }

  function failed(entry: Entry, { code, message }: NodeJS.ErrnoException): void {
    const { question, known } = entry
    const cause = code ?? message
    entry.failures++
    if (known.cause === undefined) tellFailed(question, cause, known.answer !== undefined)
    entry.known = { ...known, cause, isTried: true }
    if (!known.isTried) changed()
  }

  function tellAnswered({ name }: Question): void {
    log.info({ name }, 'a name can be looked up again')
    events.add({ kind: 'dns-answered', text: `${name} can be looked up again` })
  }

  function tellFailed({ name }: Question, cause: string, isKnown: boolean): void {
    const effect = isKnown ? 'what is known of it stays in force' : 'nothing is known of it'
    log.warn({ name, cause }, `a name cannot be looked up; ${effect}`)
    events.add({ kind: 'dns-failed', text: `${name} cannot be looked up: ${cause}; ${effect}` })
  }

  return {
    want(questions) {
      const wanted = new Map(questions.map(question => [keyOf(question), question]))
      for (const [key, { cancel }] of entries) {
        if (wanted.has(key)) continue
        cancel()
        entries.delete(key)
      }
      for (const [key, question] of wanted) {
        const entry = entries.get(key) ?? { question, known: nothing, failures: 0, isDue: false, cancel() {} }
        if (entries.has(key) && isDeepStrictEqual(entry.question, question)) continue
        entry.question = question
        entries.set(key, entry)
        look(key, entry)
      }
      tellSettled()
    },
    again() {
      for (const [key, entry] of entries) look(key, entry)
    },
    known: question => entries.get(keyOf(question))?.known ?? nothing,
    async settled(timeoutMs) {
      if (isSettled()) return
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.add(resolve)
      const cancel = runtime.schedule(timeoutMs, resolve)
      await promise
      cancel()
      waiting.delete(resolve)
    },
    unknown: () =>
      [...entries.values()].flatMap(({ question: { name }, known: { answer, cause } }) =>
        answer ? [] : [{ name, cause: cause ?? 'was not answered yet' }]
      ),
    failures() {
      const counts = new Map<string, number>()
      for (const { question, failures } of entries.values()) {
        counts.set(question.name, (counts.get(question.name) ?? 0) + failures)
      }
      return [...counts].map(([name, count]) => ({ name, count }))
    },
    stop() {
      isStopped = true
      for (const { cancel } of entries.values()) cancel()
      for (const resolve of waiting) resolve()
    }
  }
}

function isFailing({ cause }: Known): boolean {
  return cause !== undefined
}

function addressesOf({ answer }: Known): readonly string[] {
  return answer !== undefined && 'addresses' in answer ? answer.addresses : []
}

/** Name servers tell the same in another order each time. */
function isSame(a: Answer | undefined, b: Answer): boolean {
  return a !== undefined && isDeepStrictEqual(inOrder(a), inOrder(b))
}

function inOrder(answer: Answer): readonly string[] {
  if ('addresses' in answer) return answer.addresses.toSorted()
  return answer.records
    .map(({ priority, weight, port, name }) => JSON.stringify([priority, weight, port, name]))
    .sort()
}
