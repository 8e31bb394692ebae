import type { Runtime } from '../model/runtime.ts'
import type { MasterStatus } from '../model/status.ts'
import { pause } from '../simulation/pause.ts'
import type { DemoOperator } from './demo-operator.ts'
import type { LargestMaster } from './largest-master.ts'

/** What a tour is made of. */
export interface TourParts {
  readonly runtime: Runtime
  /** Ends it wherever it is. */
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  readonly operator: DemoOperator
  readonly largest: Pick<LargestMaster, 'name' | 'atWork' | 'die' | 'comeBack'>
  /** The master that is drained. */
  readonly drained: string
  /** The agent that is revoked. */
  readonly revoked: string
  readonly agents: {
    /** Each resolves when it is so. */
    readonly areServed: () => Promise<void>
    readonly isRefused: (certname: string) => Promise<void>
    readonly isServedAgain: (certname: string) => Promise<void>
  }
}

/** So long everything stays as it is, for somebody who looks at the page. */
const LOOK_MS = 15_000
/** So often masters are asked for. */
const ASK_MS = 500

/**
 * Shows what there is to see, one thing after the other: each begins with a line that says what happens and where it can be
 * seen on the page, and ends when it has happened. Rejects when the signal says so, and when an operator is refused.
 */
export async function playTour(parts: TourParts): Promise<void> {
  const { runtime, signal, say, operator, largest, drained, revoked, agents } = parts
  const look = () => pause(LOOK_MS, runtime, signal)
  /** What happens elsewhere, unless the tour ends first. */
  const when = <T>(happened: Promise<T>) => Promise.race([happened, aborted(signal)])

  async function until(name: string, condition: (master: MasterStatus) => boolean): Promise<void> {
    for (;;) {
      const master = (await operator.masters()).find(each => each.name === name)
      if (master && condition(master)) return
      await pause(ASK_MS, runtime, signal)
    }
  }

  await when(agents.areServed())
  say('Tour: every agent was served. Open the page; it begins in some seconds.')
  await look()

  say(`Tour 1 of 6: ${largest.name} dies while it compiles. On the page: Masters, and Events.`)
  await when(largest.atWork())
  await largest.die()
  await until(largest.name, ({ state }) => state === 'down')
  say(`Tour: ${largest.name} is down; the others compile its catalogs.`)
  await look()

  say(`Tour 2 of 6: ${largest.name} starts again. On the page: its state.`)
  await largest.comeBack()
  await until(largest.name, ({ state }) => state === 'up')
  say(`Tour: ${largest.name} is up.`)
  await look()

  say(`Tour 3 of 6: ${drained} is drained: it ends what it has. On the page: its state.`)
  await operator.drain(drained)
  await until(drained, ({ mode }) => mode === 'drained')
  say(`Tour: ${drained} is drained, and could be patched now.`)
  await look()

  say(`Tour 4 of 6: ${drained} is given back. On the page: its state.`)
  await operator.undrain(drained)
  await until(drained, ({ mode, state }) => mode === 'active' && state === 'up')
  say(`Tour: ${drained} is up.`)
  await look()

  say(`Tour 5 of 6: ${revoked} is revoked. On the page: CA and certificates, and Events.`)
  await operator.revoke(revoked)
  await when(agents.isRefused(revoked))
  await look()

  say(`Tour 6 of 6: the CA forgets the certificate of ${revoked}, which enrols with a new key.`)
  await operator.deleteCertificate(revoked)
  await when(agents.isServedAgain(revoked))
  say('The tour is over; masters and agents go on.')
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    if (signal.aborted) reject(signal.reason)
  })
}
