import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** As much of a test as it takes to run another one in it. */
interface Host {
  readonly spawn: (
    command: string,
    args: string[],
    options: { readonly env: NodeJS.ProcessEnv },
    name: string
  ) => PromiseLike<unknown>
}

const inside = 'PUPPET_LB_TEST_OWN_NETWORK'
/** Whoever started it is gone, or kills it: then it goes, with all that it has started itself. */
const leavingNothing = ['--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
/** Loopback is all that is there, and it is down at first. */
const setUp = 'ip link set lo up && echo "$0" >/proc/sys/net/ipv4/tcp_migrate_req && exec "$@"'
const inOwnNetwork = (migrates: 0 | 1, ...command: readonly string[]) => [
  ...leavingNothing,
  ...['--net', 'sh', '-c', setUp, String(migrates)],
  ...command
]

/** Whether the system gives connects that wait at a listener that closes to another one on its port. */
function migrates(): boolean {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8')) === 1
  } catch {
    return false
  }
}

/**
 * Runs the tests of a file in networks of their own, in which connects that wait at a listener that closes are lost, and
 * are given to another one (`net.ipv4.tcp_migrate_req`). Without the right to make networks: once, as the system is.
 */
export function underEitherSetting(
  t: Host,
  file: string,
  tests: (migrates: boolean) => void,
  settings: readonly (0 | 1)[] = [0, 1]
): void {
  const isInside = process.env[inside] !== undefined
  if (isInside || spawnSync('setpriv', inOwnNetwork(1, 'true')).status !== 0) {
    tests(migrates())
    return
  }
  for (const setting of settings) {
    const args = inOwnNetwork(setting, process.execPath, file)
    const env = { ...process.env, [inside]: '1' }
    void t.spawn('setpriv', args, { env }, `net.ipv4.tcp_migrate_req=${setting}`)
  }
}
