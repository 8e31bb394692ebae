import type { Duplex } from 'node:stream'
import type { Runtime } from '../../model/runtime.ts'
import type { Carried, FromPredecessor, FromSuccessor, Holdings, PredecessorState } from './messages.ts'
import { createWire } from './wire.ts'

/** The one that runs answers at once unless its machine or its event loop stands still. */
const ANSWER_TIMEOUT_MS = 10_000

/** What it tells while it is taken over from. */
export interface PredecessorListener {
  readonly take: (message: Exclude<FromPredecessor, { type: 'state' | 'released' }>) => void
  /** It has gone, with everything it held. */
  readonly gone: () => void
}

/** The process that this one takes over from. */
export interface Predecessor {
  /** As it was when it was asked. */
  readonly state: PredecessorState
  /** Gives everything that it has told since, and tells. */
  readonly listen: (listener: PredecessorListener) => void
  /** What this process holds, and the pools for whose JRubies requests wait here. */
  readonly tellHeld: (held: Holdings, waits: readonly string[]) => void
  /** This process goes by the pins that `listen` gave. */
  readonly pinsTaken: () => void
  /**
   * Asks for the admin listener: resolves with what is carried by then, once its port is free. `undefined`: the process
   * has gone. Rejects when it does not answer.
   */
  readonly release: () => Promise<Carried | undefined>
  /** This process has all it wants: the other may drain. */
  readonly serving: () => void
  /** This process does not take over after all. */
  readonly giveUp: () => void
}

/** Resolves with the one at the other end of a stream. Rejects with one sentence when it is none. */
export async function meetPredecessor(stream: Duplex, runtime: Runtime): Promise<Predecessor> {
  const state = Promise.withResolvers<PredecessorState | undefined>()
  const released = Promise.withResolvers<Carried | undefined>()
  const untold: Parameters<PredecessorListener['take']>[0][] = []
  let listener: PredecessorListener | undefined
  let isGone = false
  const wire = createWire<FromPredecessor, FromSuccessor>(stream, {
    take(message) {
      if (message.type === 'state') state.resolve(message)
      else if (message.type === 'released') released.resolve(message)
      else if (listener) listener.take(message)
      else untold.push(message)
    },
    ended() {
      isGone = true
      state.resolve(undefined)
      released.resolve(undefined)
      listener?.gone()
    }
  })
  const met = await orLate(state.promise, runtime)
  if (met === late || !met) {
    wire.cut()
    throw new Error('the balancer that runs does not say how it is, or has ended; look at its log')
  }
  return {
    state: met,
    listen(next) {
      listener = next
      for (const message of untold.splice(0)) next.take(message)
      if (isGone) next.gone()
    },
    tellHeld: (held, waits) => wire.send({ type: 'held', held, waits }),
    pinsTaken: () => wire.send({ type: 'pins-taken' }),
    async release() {
      wire.send({ type: 'release' })
      const answer = await orLate(released.promise, runtime)
      if (answer !== late) return answer
      throw new Error(
        `the balancer that runs does not give up its admin port within ${ANSWER_TIMEOUT_MS / 1000} s`
      )
    },
    serving: () => wire.send({ type: 'serving' }),
    giveUp: wire.cut
  }
}

const late = Symbol('late')

async function orLate<Answer>(
  answer: Promise<Answer>,
  { schedule }: Pick<Runtime, 'schedule'>
): Promise<Answer | typeof late> {
  const timeout = Promise.withResolvers<typeof late>()
  const cancel = schedule(ANSWER_TIMEOUT_MS, () => timeout.resolve(late))
  try {
    return await Promise.race([answer, timeout.promise])
  } finally {
    cancel()
  }
}
