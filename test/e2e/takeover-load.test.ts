import t from 'tap'
import type { AgentRequestError } from '../../src/simulation/agent-request-error.ts'
import { underEitherSetting } from '../support/own-network.ts'
import { loadTakeovers } from '../support/takeover-load.ts'

const { PUPPET_LB_TEST_TAKEOVERS: wanted } = process.env
const takeovers = Number(wanted ?? 1)
/** Both take twice as long, so they are for who asks for more. */
const settings = wanted === undefined ? [1 as const] : undefined
const agents = Number(process.env.PUPPET_LB_TEST_AGENTS ?? 10)
/** Connect beside the agents, to be counted. */
const HANDS = 4
/** Of each agent between two runs: many agents ask no more often than two processors can answer. */
const pauseMs = agents > 10 ? 50 * agents : 0
const INTERVAL_MS = 1_000
/** Of connects, where those that wait at a listener that closes are lost. */
const LOST_SHARE = 0.005

// Both settings come one after the other.
const LIMIT_MS = 90_000 + takeovers * 10_000
t.setTimeout(2 * LIMIT_MS)

/** Of the connection, which is no word of the balancer. */
const isReset = ({ status, message, cause }: AgentRequestError) =>
  status === undefined && !isRefused({ cause }) && /ECONN|EPIPE|hang up|disconnected/.test(message)
const isRefused = ({ cause }: Pick<AgentRequestError, 'cause'>) =>
  (cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED'

underEitherSetting(
  t,
  import.meta.filename,
  migrates =>
    void t.test('a process takes over from another under load, and no agent notices', async t => {
      t.setTimeout(LIMIT_MS)
      const figures = await loadTakeovers(t, {
        ...{ agents, pauseMs, takeovers, jrubies: 4, compileMs: 60, hands: HANDS },
        // Starts that fail let no connect wait, so once is enough.
        failsFirst: !migrates || settings !== undefined
      })
      const { failures, exits, failedStarts, runs, connections, overcommittedMs, knocks } = figures
      const [reset, others] = [failures.filter(isReset), failures.filter(each => !isReset(each))]
      t.comment(
        `${runs} runs on ${connections} connections, ${takeovers} takeovers: ${reset.length} runs were reset, ` +
          `${others.length} failed otherwise; ${knocks.tried} connects beside them: ${knocks.reset} reset, ` +
          `${knocks.refused} refused; ${Math.round(overcommittedMs)} ms with more requests at a master than JRubies`
      )
      t.ok(runs >= agents)
      t.ok(knocks.served > 0)
      t.same(
        failedStarts,
        migrates && !settings ? [] : [1, 1, 'SIGKILL'],
        'none of which disturbed the one that runs'
      )
      t.same(others, [], 'no run is refused, or answered otherwise than well')
      t.equal(knocks.refused, 0)
      if (migrates) t.same([knocks.reset, reset], [0, []], 'no connect is lost')
      else {
        t.ok(knocks.reset <= knocks.tried * LOST_SHARE, 'where connects do not migrate, hardly any is lost')
        t.ok(reset.length <= takeovers)
      }
      t.ok(exits.every(code => code === 0))
      t.ok(overcommittedMs < INTERVAL_MS, 'no longer than until the next probe')
    }),
  settings
)
