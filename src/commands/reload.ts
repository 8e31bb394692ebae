import { renderChange } from '../config/diff.ts'
import type { ReloadReport } from '../model/status.ts'
import { type AdminFlags, findAdmin } from './admin-address.ts'
import { askAdmin } from './admin-client.ts'
import { type Paint, paintOf } from './paint.ts'
import type { Terminal } from './terminal.ts'

/** One that runs already is waited for, seats may have to become free, and new masters are asked once. */
const TIMEOUT_MS = 90_000

/**
 * Has a running balancer read its configuration again, and says what came of it. Exit code: 0 when it did, 1 when the
 * file is bad and everything stays as it was. Rejects with a ConfigError, or an Error when it cannot be asked.
 */
export async function reload(flags: AdminFlags, io: Terminal): Promise<number> {
  const answer = await askAdmin(await findAdmin(flags, io.env), {
    path: '/api/reload',
    method: 'POST',
    accept: [200, 422],
    timeoutMs: TIMEOUT_MS
  })
  const report = answer.json() as ReloadReport
  if (report.ok) io.out(`${describe(report, paintOf(io)).join('\n')}\n`)
  else io.err(`${['puppet-lb: not reloaded, everything stays as it was', ...report.problems].join('\n')}\n`)
  return report.ok ? 0 : 1
}

function describe({ changed, needsRestart, warnings }: ReloadReport, paint: Paint): readonly string[] {
  return [
    changed.length === 0 ? 'reloaded, nothing changed' : 'reloaded',
    ...changed.map(change => `  ${renderChange(change, paint)}`),
    ...(needsRestart.length > 0 ? [paint.tone('warn', `needs a restart: ${needsRestart.join(', ')}`)] : []),
    ...warnings.map(warning => `${paint.tone('warn', 'warning:')} ${warning}`)
  ]
}
