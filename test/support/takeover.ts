import { findPredecessor, onPortsOf } from '../../src/commands/predecessor.ts'
import { systemRuntime } from '../../src/model/runtime.ts'
import type { Config } from '../../src/model/settings.ts'
import { startBalancer } from './balancer.ts'
import { captureLog } from './log-lines.ts'

type Test = { teardown: (task: () => unknown) => void }
type App = Awaited<ReturnType<typeof startBalancer>>

/** A balancer in this process that drains when another one has taken over, as `puppet-lb serve` does. */
export async function startHandingOver(t: Test, config: Config, load = () => config) {
  const { log, ...logged } = captureLog()
  return drainingWhenHandedOver(await startBalancer(t, config, { log, load }), logged)
}

/** Another one in this process that takes over, as `puppet-lb serve --takeover` does. */
export async function takeOver(t: Test, config: Config) {
  const predecessor = await findPredecessor(config, { version: '9.9.9', runtime: systemRuntime })
  if (!predecessor) throw new Error('nobody to take over from')
  const { log, ...logged } = captureLog()
  const app = await startBalancer(t, onPortsOf(predecessor, config), { log, predecessor })
  return drainingWhenHandedOver(app, logged)
}

function drainingWhenHandedOver(app: App, logged: Omit<ReturnType<typeof captureLog>, 'log'>) {
  return { ...logged, ...app, ended: app.handedOver.then(app.drain) }
}
