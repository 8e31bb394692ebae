import { once } from 'node:events'
import { join } from 'node:path'
import type { FleetOrder, FleetReply, JrubyWork } from './fleet-messages.ts'
import type { FleetMaster } from './fleet-plan.ts'
import { portOf } from './fleet-ports.ts'
import type { Processes, Started } from './processes.ts'

/** Starts the process of all agents, whose certificates are in the directory. */
export function startAgents(processes: Processes, directory: string): Promise<Started> {
  return startModule(processes, 'fleet-agents.ts', [directory])
}

/** Starts a master at the port of its place in the fleet. */
export function startMaster(processes: Processes, master: FleetMaster, index: number): Promise<Started> {
  const args = [master.name, portOf(index), master.jrubies, master.speed].map(String)
  return startModule(processes, 'fleet-master.ts', args)
}

/** Has the agents do their runs, and resolves when all have ended. */
export async function ordered(
  agents: Started,
  order: FleetOrder
): Promise<Extract<FleetReply, { readonly type: 'done' }>> {
  const answered = once(agents.child, 'message')
  agents.child.send(order)
  const [reply] = (await Promise.race([answered, agents.died])) as [FleetReply]
  if (reply.type === 'done') return reply
  throw new Error(reply.type === 'failed' ? reply.message : 'the agents began anew')
}

/** How long the JRubies of a master have worked by now, all taken together. */
export async function workOf(master: Started): Promise<JrubyWork> {
  const answered = once(master.child, 'message')
  master.child.send('work')
  const [work] = (await Promise.race([answered, master.died])) as [JrubyWork]
  return work
}

/** Starts one of our own modules as a process; resolves with it once it has said it is ready. */
async function startModule(processes: Processes, module: string, args: readonly string[]): Promise<Started> {
  const started = await processes.start({
    command: process.execPath,
    args: [join(import.meta.dirname, module), ...args],
    channel: true
  })
  await Promise.race([once(started.child, 'message'), started.died])
  return started
}
