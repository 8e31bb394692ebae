import { parseArgs } from 'node:util'
import { oneOf, orSentence, subset, whole, within } from './arguments.ts'
import { type FleetName, fleetNames } from './fleet-plan.ts'
import { type PeerName, type PeerSource, peerNames, peerSources, peerUsage } from './peers/names.ts'

export const fleetUsage = `npm run bench:fleet -- [options]
  --quick              one seed, load 0.9, equal masters, no haproxy-maxconn, haproxy, nginx: some three minutes;
                       1000 runs are too few to meet long busy periods, where proxies differ most
  --rho LIST           loads, each from 0.05 to 0.99 (0.8,0.9,0.95)
  --masters LIST       of equal, unequal (both)
  --seeds N            repetitions, each with other runs, 1 to 20 (3; 1 with --quick)
  --first-seed N       the first of them, 1 to 1000 (1)
  --runs N             runs in each measurement, 10 to 20000 (3000; 1000 with --quick)
  --compression X      how many times faster than Puppet, 1 to 20 (20)
  --threads N          worker threads of each proxy, 1 to 16 (1); nginx has processes
  --log on|off         whether every proxy writes a line for each request into a file, or none does (off)
  --peers SOURCE       debian13 makes a Debian 13 with HAProxy and nginx once, in ~/.cache/puppet-lb, and wants root;
                       installed takes those of this machine (debian13)
  --proxies LIST       of ${peerNames.join(', ')} (all)
${peerUsage}  --balancers N        measures N of puppet-lb side by side as well, which know nothing of each other (1; at most 4)
  --kill               ends a master with kill -9 after a third of the time and adds another one after two thirds
  --from LIST          measures nothing: joins the fleet.json of earlier measurements
  --out DIRECTORY      where fleet.md, fleet.svg and fleet.json go (test/bench/out)
  --help               this
`

const quickProxies: readonly PeerName[] = ['puppet-lb', 'haproxy-expert', 'haproxy-phase', 'haproxy-priority']

/** What the command line asks for. */
export interface FleetOptions {
  readonly rhos: readonly number[]
  readonly fleets: readonly FleetName[]
  readonly seeds: number
  readonly firstSeed: number
  readonly runs: number
  readonly compression: number
  readonly threads: number
  readonly logs: boolean
  readonly peers: PeerSource
  readonly proxies: readonly PeerName[]
  /** How many of puppet-lb share the agents in further measurements; 1 for none. */
  readonly balancers: number
  readonly kill: boolean
  /** Files of measurements to join in place of making some. */
  readonly from: readonly string[] | undefined
  readonly out: string | undefined
  readonly help: boolean
}

/** The options, or a sentence on what is wrong with them. */
export function parseFleetOptions(argv: readonly string[]): FleetOptions | string {
  return orSentence(() => {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        quick: { type: 'boolean', default: false },
        rho: { type: 'string' },
        masters: { type: 'string' },
        seeds: { type: 'string' },
        'first-seed': { type: 'string', default: '1' },
        runs: { type: 'string' },
        compression: { type: 'string', default: '20' },
        threads: { type: 'string', default: '1' },
        log: { type: 'string', default: 'off' },
        peers: { type: 'string', default: 'debian13' },
        proxies: { type: 'string' },
        balancers: { type: 'string', default: '1' },
        kill: { type: 'boolean', default: false },
        from: { type: 'string' },
        out: { type: 'string' },
        help: { type: 'boolean', default: false }
      }
    })
    const { quick } = values
    const rhos = (values.rho ?? (quick ? '0.9' : '0.8,0.9,0.95')).split(',')
    return {
      rhos: rhos.map(rho => within('--rho', rho, 0.05, 0.99)),
      fleets: subset('--masters', values.masters ?? (quick ? 'equal' : fleetNames.join()), fleetNames),
      seeds: whole('--seeds', values.seeds ?? (quick ? '1' : '3'), 1, 20),
      firstSeed: whole('--first-seed', values['first-seed'], 1, 1000),
      runs: whole('--runs', values.runs ?? (quick ? '1000' : '3000'), 10, 20_000),
      compression: within('--compression', values.compression, 1, 20),
      threads: whole('--threads', values.threads, 1, 16),
      logs: oneOf('--log', values.log, ['on', 'off']) === 'on',
      peers: oneOf('--peers', values.peers, peerSources),
      proxies: subset('--proxies', values.proxies ?? (quick ? quickProxies : peerNames).join(), peerNames),
      balancers: whole('--balancers', values.balancers, 1, 4),
      kill: values.kill,
      from: values.from?.split(','),
      out: values.out,
      help: values.help
    }
  })
}
