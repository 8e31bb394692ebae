import type { Runtime } from '../model/runtime.ts'
import { systemRuntime } from '../model/runtime.ts'
import type { StatusReport } from '../model/status.ts'
import { type AdminAddress, type AdminFlags, findAdmin } from './admin-address.ts'
import { askAdmin } from './admin-client.ts'
import { type Paint, paintOf } from './paint.ts'
import { redraw } from './screen.ts'
import { describeStatus } from './status-text.ts'
import { stayAlive, type Terminal } from './terminal.ts'

export interface StatusOptions extends AdminFlags {
  /** Prints what the admin listener says, as it says it. */
  readonly json?: boolean
  /** Goes on until the process is ended. */
  readonly watch?: boolean
}

const WATCH_MS = 2_000

/**
 * Prints the state of a running balancer, once or again and again. Rejects with a ConfigError, or an Error when it
 * cannot be asked at first; a watcher waits for a balancer that is away for a while.
 */
export async function status(options: StatusOptions, io: Terminal): Promise<void> {
  const { runtime = systemRuntime } = io
  const address = await findAdmin(options, io.env)
  const paint = paintOf(io)
  const ask = () => (options.json ? askJson(address) : askText(address, runtime, paint))
  const isOver = options.watch && io.isInteractive && !options.json
  const draw = (text: string) => io.out(isOver ? redraw(text, io.window?.()) : `${text}\n`)
  draw(await ask())
  if (!options.watch) return
  const letEnd = stayAlive()
  try {
    for (;;) {
      await new Promise<void>(resolve => void runtime.schedule(WATCH_MS, resolve))
      draw(await ask().catch((error: Error) => describeFailure(error, options)))
    }
  } finally {
    letEnd()
  }
}

async function askJson(address: AdminAddress): Promise<string> {
  return (await askAdmin(address, { path: '/api/status' })).text
}

async function askText(
  address: AdminAddress,
  { wallClock }: Pick<Runtime, 'wallClock'>,
  paint: Paint
): Promise<string> {
  const state = (await askAdmin(address, { path: '/api/status' })).json() as StatusReport
  const readiness = state.ready ? 'yes' : await askReadiness(address)
  return describeStatus(state, readiness, wallClock(), paint)
}

/** It may have become ready between the two questions. */
async function askReadiness(address: AdminAddress): Promise<string> {
  const { status: code, text } = await askAdmin(address, { path: '/readyz', accept: [200, 503] })
  return code === 200 ? 'yes' : `no: ${text.trim()}`
}

/** A reader of JSON gets JSON, whatever happens. */
function describeFailure({ message }: Error, { json }: StatusOptions): string {
  return json ? JSON.stringify({ error: message }) : `puppet-lb: ${message}`
}
