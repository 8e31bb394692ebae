import { readFileSync } from 'node:fs'
import t from 'tap'
import { loadTakeovers } from '../support/takeover-load.ts'

const takeovers = Number(process.env.PUPPET_LB_TEST_TAKEOVERS ?? 1)
const agents = Number(process.env.PUPPET_LB_TEST_AGENTS ?? 10)
const INTERVAL_MS = 1_000

/** Whether the system gives connects that wait at a listener that closes to another one. */
function migrates(): boolean {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8')) === 1
  } catch {
    return false
  }
}

t.test('a process takes over from another under load, and no agent notices', async t => {
  const figures = await loadTakeovers(t, { agents, takeovers, jrubies: 4, compileMs: 60 })
  const { failures, exits, failedStarts, runs, connections, overcommittedMs } = figures
  t.comment(
    `${runs} runs on ${connections} connections, ${takeovers} takeovers: ${failures.length} runs failed; ` +
      `${Math.round(overcommittedMs)} ms with more requests at a master than JRubies, at most`
  )
  t.ok(runs >= agents)
  t.same(failedStarts, [1, 1, 'SIGKILL'], 'none of which disturbed the one that runs')
  const isReset = ({ message }: Error) => /ECONNRESET|EPIPE|socket hang up|disconnected/.test(message)
  const unexcused = migrates() ? failures : failures.filter(failure => !isReset(failure))
  t.same(unexcused, [])
  t.ok(failures.length <= takeovers, 'where connects do not migrate, hardly any is lost')
  t.ok(exits.every(code => code === 0))
  t.ok(overcommittedMs < INTERVAL_MS, 'no longer than until the next probe')
})
