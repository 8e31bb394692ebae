import type { Master } from '../../model/master.ts'
import type { PoolSnapshot } from '../../model/snapshot.ts'
import type { ChangeQueue } from '../change-queue.ts'
import type { JoinedMembers, PreparedMembers } from '../joined-members.ts'
import type { OverlayFile } from '../overlay-file.ts'
import { carriedFrom } from './carried.ts'
import { createHandingOver, type HandingOver, type HandingOverDeps } from './handing-over.ts'
import type { Carried, PredecessorState } from './messages.ts'
import type { Predecessor } from './predecessor.ts'
import { createTakingOver, type TakingOverDeps } from './taking-over.ts'
import { heldHere, tellKin } from './telling.ts'
import { tellAgents } from './telling-agents.ts'

export interface TakeoverEndsDeps extends Omit<TakingOverDeps, 'predecessor' | 'overlay' | 'useOverlay'> {
  /** The process that this one takes over from; `undefined` for none. */
  readonly predecessor: Predecessor | undefined
  readonly changes: ChangeQueue
  readonly members: JoinedMembers
  readonly apply: (change: PreparedMembers) => Promise<void>
  readonly overlayFile: Pick<OverlayFile, 'keep'>
  readonly stateDirectory: () => string | undefined
  /** The pools there are, with the numbers of their queues. */
  readonly pools: () => readonly PoolSnapshot[]
  /** Whether a master is reached by raw TCP. */
  readonly isRaw: (master: Master) => boolean
}

/** A control plane as one of two of a takeover, at either end. */
export interface TakeoverEnds {
  /** Offers this process to a successor. `self`: what it is, as that sees it. */
  readonly offer: (
    offered: Pick<HandingOverDeps, 'refusal' | 'admin'> & {
      readonly self: () => Omit<PredecessorState, 'held' | keyof Carried>
    }
  ) => HandingOver
  /** Goes on with what a predecessor had: to be called when the members are known, and before anybody is served. */
  readonly begin: () => Promise<void>
  /** Takes the admin listener and the last of what is carried from a predecessor: to be called once this one serves. */
  readonly finish: () => Promise<void>
  /** Resolves when there is no predecessor any more. */
  readonly alone: () => Promise<void>
  /** Whether a successor serves: what operators say is its own to keep from then on. */
  readonly isHandedOver: () => boolean
  readonly stop: () => void
}

/** Composition, no rules. */
export function createTakeoverEnds(deps: TakeoverEndsDeps): TakeoverEnds {
  const { predecessor, memory, held, changes, members, apply, runtime, log, events } = deps
  const overlay = () => members.current().overlay
  const takingOver =
    predecessor &&
    createTakingOver({
      ...deps,
      predecessor,
      overlay,
      useOverlay: last => changes.run(async () => apply(await members.prepare({ overlay: last })))
    })
  const carried = () => carriedFrom({ ...memory, ...deps }, overlay())
  const telling = { ...memory, ...deps }
  let isHandedOver = false
  return {
    offer({ self, ...offered }) {
      const handingOver = createHandingOver({
        ...{ ...offered, held, carried, runtime, log, events },
        state: () => ({ ...self(), ...carried(), held: heldHere('successor', telling) }),
        settled: () => changes.run(async () => {}),
        tell(told) {
          const kin = tellKin('successor', telling, told)
          const stopAgents = tellAgents(deps.agents, runtime, told)
          return {
            ...kin,
            stop() {
              kin.stop()
              stopAgents()
            }
          }
        }
      })
      void handingOver.handedOver.then(() => {
        isHandedOver = true
      })
      return handingOver
    },
    alone: async () => takingOver?.alone,
    isHandedOver: () => isHandedOver,
    async begin() {
      await takingOver?.begin()
      // A start reads what is kept there, and must find no older word of operators.
      if (takingOver) await deps.overlayFile.keep(deps.stateDirectory(), overlay())
    },
    finish: async () => takingOver?.finish(),
    stop: () => takingOver?.stop()
  }
}
