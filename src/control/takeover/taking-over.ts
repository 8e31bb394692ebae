import type { Logger } from 'pino'
import type { EventLog } from '../../model/event.ts'
import type { Master } from '../../model/master.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { PoolSnapshot } from '../../model/snapshot.ts'
import type { SharedTables } from '../../shared/memory.ts'
import type { Agents } from '../agents/agents.ts'
import type { Overlay } from '../overlay.ts'
import { formatOverlay, parseOverlay } from '../overlay-file.ts'
import type { Roster } from '../roster.ts'
import { adoptCarried } from './carried.ts'
import type { HeldElsewhere } from './held-elsewhere.ts'
import type { CarriedPins } from './messages.ts'
import { pinsHere } from './pin-changes.ts'
import { createPinsTaken } from './pins-taken.ts'
import type { Predecessor } from './predecessor.ts'
import { type Telling, tellKin } from './telling.ts'

/** One that tells nothing for so long has stopped; what it holds shows in what masters tell. */
const SILENCE_MS = 5_000

export interface TakingOverDeps {
  readonly predecessor: Predecessor
  readonly memory: SharedTables
  readonly roster: Pick<Roster, 'current'>
  readonly held: HeldElsewhere
  readonly agents: Agents
  /** The pools there are, with the numbers of their queues. */
  readonly pools: () => readonly PoolSnapshot[]
  /** Whether a master is reached by raw TCP. */
  readonly isRaw: (master: Master) => boolean
  readonly overlay: () => Overlay
  /** Puts another overlay in force. */
  readonly useOverlay: (overlay: Overlay) => Promise<void>
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
}

/** Goes on with what another process had. */
export interface TakingOver {
  /** Takes what is carried. To be called when the members are known, and before anybody is served. */
  readonly begin: () => Promise<void>
  /** Takes the admin listener, and with it the last word of operators. To be called when this process serves. */
  readonly finish: () => Promise<void>
  /** Resolves when that one has gone. */
  readonly alone: Promise<void>
  readonly stop: () => void
}

/** What operators said to the process that was taken over from. Throws an Error when that cannot be read. */
export function overlayOf({ state }: Predecessor): Overlay {
  return parseOverlay(state.overlay)
}

export function createTakingOver(deps: TakingOverDeps): TakingOver {
  const { predecessor, memory, roster, held, agents, runtime, log, events } = deps
  const { pid } = predecessor.state
  const pinsTaken = createPinsTaken(memory.pins, runtime, predecessor.pinsTaken)
  const alone = Promise.withResolvers<void>()
  let cancelSilence = () => {}
  let telling: Telling | undefined
  let isStopped = false

  function usePins(carried: CarriedPins): void {
    const here = { masters: roster.current().masters, now: runtime.now() }
    for (const pin of pinsHere(carried, carried.dropped, here)) memory.pins.drop(pin)
    const pins = pinsHere(carried, carried.pins, here)
    for (const pin of pins) memory.pins.put(pin)
    pinsTaken.taken(pins)
  }

  function awaitWord(): void {
    cancelSilence()
    cancelSilence = runtime.schedule(SILENCE_MS, () => held.forget('predecessor'))
  }

  function tell(sentence: string): void {
    log.info(sentence)
    events.add({ kind: 'takeover', text: sentence })
  }

  let hasDrained = false
  function gone(): void {
    cancelSilence()
    telling?.stop()
    pinsTaken.stop()
    held.forget('predecessor')
    alone.resolve()
    if (!hasDrained && !isStopped) tell(`process ${pid} ended before it had drained`)
  }

  return {
    async begin() {
      await adoptCarried(predecessor.state, { ...memory, ...deps })
      held.told('predecessor', predecessor.state.held)
      awaitWord()
      predecessor.listen({
        take(message) {
          awaitWord()
          if (message.type === 'held') held.told('predecessor', message.held)
          else if (message.type === 'pins') usePins(message)
          else if (message.type === 'agents') agents.book.adopt(message.agents)
          else if (message.type === 'runs') agents.take(message.parts)
          else if (message.type === 'ended') {
            hasDrained = true
            const cut = message.cut > 0 ? `; ${message.cut} requests were cut` : ''
            tell(`process ${pid}, which this one took over from, has drained${cut}`)
          }
        },
        gone
      })
      telling = tellKin('predecessor', { ...memory, ...deps }, { held: predecessor.tellHeld })
    },
    async finish() {
      const last = await predecessor.release()
      if (!last) return
      await adoptCarried(last, { ...memory, ...deps })
      if (last.overlay !== formatOverlay(deps.overlay())) await deps.useOverlay(parseOverlay(last.overlay))
    },
    alone: alone.promise,
    stop() {
      isStopped = true
      cancelSilence()
      telling?.stop()
      pinsTaken.stop()
      predecessor.giveUp()
    }
  }
}
