import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import type { EventLog } from '../../model/event.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { HandOver, TakeoverAsk } from '../../model/takeover.ts'
import { within } from '../../model/within.ts'
import type { HeldElsewhere } from './held-elsewhere.ts'
import type { Carried, FromPredecessor, FromSuccessor, PredecessorState } from './messages.ts'
import type { Telling, Told } from './telling.ts'
import type { ToldOfAgents } from './telling-agents.ts'
import { createWire, type Wire } from './wire.ts'

/** A successor that says nothing for so long has stopped. One that starts may be busy with that for many seconds. */
const SILENCE_MS = 60_000
/** The same once the admin port was given up, which operators miss. */
const RELEASED_SILENCE_MS = 10_000
/** The same once it serves: then what it holds is not known any more. */
const HELD_SILENCE_MS = 5_000
/** How long a successor may take to hear that this one has drained. */
const LAST_WORD_MS = 1_000
/** How soon it is tried again to have the admin listener back. */
const REOPEN_MS = 1_000

export interface HandingOverDeps {
  /** Why nobody can take over from this process now, one sentence; `undefined` when somebody can. */
  readonly refusal: () => string | undefined
  readonly state: () => PredecessorState
  readonly carried: () => Carried
  /** Resolves when the changes that are under way have ended. */
  readonly settled: () => Promise<void>
  /** Tells a successor what this process holds, until it is stopped. */
  readonly tell: (told: Told & ToldOfAgents) => Telling
  readonly held: Pick<HeldElsewhere, 'told' | 'toldWaiting' | 'forget' | 'yieldToSuccessor'>
  /** The operators' listeners. `release` frees the port, `reopen` takes it back, `leave` gives up all of them. */
  readonly admin: () => {
    readonly release: () => void
    readonly reopen: () => Promise<void>
    readonly leave: () => void
  }
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
}

/** Hands over to another process of this balancer that takes the same port: one at a time. */
export interface HandingOver {
  readonly handOver: HandOver
  /** Resolves once another process serves in place of this one, which is to drain then. */
  readonly handedOver: Promise<void>
  /** Whether the operators' listeners are another's, or about to be. */
  readonly isReleased: () => boolean
  /** This process has drained, and so many requests were cut. Resolves once a successor was told, if one lives. */
  readonly end: (cut: number) => Promise<void>
  /** Ends what is under way. */
  readonly stop: () => void
}

/** How far it is. Before `serving` all can be taken back. */
type Stage = 'asked' | 'released' | 'serving'

export function createHandingOver(deps: HandingOverDeps): HandingOver {
  const { held, runtime, log, events } = deps
  const handedOver = Promise.withResolvers<void>()
  let hasEnded = Promise.withResolvers<void>()
  let successor: { readonly ask: TakeoverAsk; readonly wire: Wire<FromPredecessor> } | undefined
  let stage: Stage = 'asked'
  /** Told to end, it has ended what it had: whatever comes, nothing is taken back. */
  let hasDrained = false
  let cancelSilence = () => {}
  let telling: Telling | undefined

  function begin(ask: TakeoverAsk, stream: Duplex): void {
    stage = 'asked'
    hasEnded = Promise.withResolvers()
    const wire = createWire<FromSuccessor, FromPredecessor>(stream, { take, ended })
    successor = { ask, wire }
    log.info({ ...ask }, 'another process is about to take over; this one serves on until it is ready')
    wire.send({ type: 'state', ...deps.state() })
    telling = deps.tell({
      held: of => wire.send({ type: 'held', held: of }),
      pins: pins => wire.send({ type: 'pins', ...pins }),
      agents: agents => wire.send({ type: 'agents', agents }),
      runs: parts => wire.send({ type: 'runs', parts })
    })
    awaitWord()
  }

  /** One that stops is as good as one that ends. */
  function awaitWord(): void {
    cancelSilence()
    const silenceMs = { asked: SILENCE_MS, released: RELEASED_SILENCE_MS, serving: HELD_SILENCE_MS }[stage]
    cancelSilence = runtime.schedule(silenceMs, () => {
      // Once it serves it may only be slow, and tells the rest when it is not.
      if (stage === 'serving') held.forget('successor')
      else successor?.wire.cut()
    })
  }

  function take(message: FromSuccessor): void {
    if (message.type === 'held') {
      held.told('successor', message.held)
      held.toldWaiting(message.waits)
    }
    if (message.type === 'pins-taken') telling?.pinsTaken()
    if (message.type === 'release' && stage === 'asked') void release()
    if (message.type === 'serving' && stage === 'released') serves()
    awaitWord()
  }

  async function release(): Promise<void> {
    stage = 'released'
    await deps.settled()
    if (!successor) return
    deps.admin().release()
    successor.wire.send({ type: 'released', ...deps.carried() })
  }

  function serves(): void {
    stage = 'serving'
    const { pid, version } = successor?.ask ?? {}
    log.info({ pid, version }, 'another process has taken over and serves; this one ends what it has')
    deps.admin().leave()
    held.yieldToSuccessor()
    handedOver.resolve()
  }

  function ended(): void {
    hasEnded.resolve()
    cancelSilence()
    telling?.stop()
    held.forget('successor')
    const { ask } = successor ?? {}
    successor = undefined
    if (stage === 'serving' || hasDrained) return
    const sentence = `process ${ask?.pid}, which was about to take over, has ended: this one serves on`
    log.warn(sentence)
    events.add({ kind: 'takeover', text: sentence })
    if (stage === 'released') void reopen()
    stage = 'asked'
  }

  async function reopen(): Promise<void> {
    try {
      await deps.admin().reopen()
    } catch (err) {
      log.error({ err }, 'the admin listener cannot be opened again; it is tried again')
      runtime.schedule(REOPEN_MS, () => void reopen())
    }
  }

  return {
    handOver(ask) {
      const sentence = hasDrained ? 'This balancer has drained and is gone in a moment.' : deps.refusal()
      if (sentence !== undefined) return { status: 503, sentence }
      if (!successor && stage !== 'serving') return stream => begin(ask, stream)
      return { status: 409, sentence: `Process ${successor?.ask.pid ?? ''} is about to take over already.` }
    },
    handedOver: handedOver.promise,
    isReleased: () => stage !== 'asked',
    async end(cut) {
      hasDrained = true
      if (!successor) return
      // Told to end before the successor was ready: that takes the listeners as soon as it hears of the end.
      if (stage !== 'serving') deps.admin().leave()
      successor.wire.send({ type: 'ended', cut })
      successor.wire.close()
      await within(LAST_WORD_MS, hasEnded.promise, runtime)
    },
    stop: () => successor?.wire.cut()
  }
}
