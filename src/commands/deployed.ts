import type { FlushReport, FlushResult } from '../model/code.ts'
import { type AdminFlags, findAdmin } from './admin-address.ts'
import { askAdmin } from './admin-client.ts'
import { tableOf } from './table.ts'
import type { Terminal } from './terminal.ts'

export interface DeployedOptions extends AdminFlags {
  /** Prints what the admin listener answers. */
  readonly json?: boolean
}

/** Masters are asked side by side, each for ten seconds at most. */
const TIMEOUT_MS = 30_000

/**
 * Has a running balancer flush the cache of an environment, or of all, on every master, and prints what came of it. Exit
 * code: 0 when all did it, 2 when one did not. Rejects with a ConfigError, or an Error when the balancer cannot be asked.
 */
export async function deployed(
  environment: string | undefined,
  options: DeployedOptions,
  io: Terminal
): Promise<number> {
  const address = await findAdmin(options, io.env)
  const whose = environment === undefined ? '' : `/${encodeURIComponent(environment)}`
  const answer = await askAdmin(address, {
    path: `/api/environments${whose}/deployed`,
    method: 'POST',
    accept: [200, 404, 502],
    timeoutMs: TIMEOUT_MS
  })
  if (answer.status === 404)
    throw new Error(`the balancer at ${address.name} does not know this command: it is an older one`)
  const report = answer.json() as FlushReport
  io.out(options.json ? answer.text : `${describe(report).join('\n')}\n`)
  return report.done ? 0 : 2
}

function describe({ masters }: FlushReport): readonly string[] {
  if (masters.length === 0) return ['there is no master that could be asked']
  return tableOf(['master', 'flushed', 'cause'], masters.map(rowOf))
}

function rowOf({ name, done, cause }: FlushResult): readonly string[] {
  return [name, done ? 'yes' : 'NO', cause ?? '']
}
