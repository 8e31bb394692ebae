import { parseArgs } from 'node:util'
import { type FleetName, fleetNames } from './fleet-plan.ts'
import { type FleetProxyName, fleetProxyNames } from './fleet-recipes.ts'

export const fleetUsage = `npm run bench:fleet -- [options]
  --quick              one seed, load 0.9, equal masters, puppet-lb and both HAProxy: under three minutes;
                       1000 runs are too few to meet long busy periods, where proxies differ most
  --rho LIST           loads, each above 0 and below 1 (0.8,0.9,0.95)
  --masters LIST       of equal, unequal (both)
  --seeds N            repetitions, each with other runs (3)
  --first-seed N       the first of them (1)
  --runs N             runs in each measurement, 10 to 20000 (3000; 1000 with --quick)
  --compression X      how many times faster than Puppet, 1 to 20 (20)
  --proxies LIST       of ${fleetProxyNames.join(', ')} (all)
  --balancers N        measures N of puppet-lb side by side as well, which know nothing of each other (1; at most 4)
  --kill               ends a master with kill -9 after a third of the time and adds another one after two thirds
  --from LIST          measures nothing: joins the fleet.json of earlier measurements
  --out DIRECTORY      where fleet.md, fleet.svg and fleet.json go (test/bench/out)
`

/** What the command line asks for. */
export interface FleetOptions {
  readonly rhos: readonly number[]
  readonly fleets: readonly FleetName[]
  readonly seeds: number
  readonly firstSeed: number
  readonly runs: number
  readonly compression: number
  readonly proxies: readonly FleetProxyName[]
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
  try {
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
      proxies: subset(
        '--proxies',
        values.proxies ?? (quick ? 'puppet-lb,haproxy-maxconn,haproxy' : fleetProxyNames.join()),
        fleetProxyNames
      ),
      balancers: whole('--balancers', values.balancers, 1, 4),
      kill: values.kill,
      from: values.from?.split(','),
      out: values.out,
      help: values.help
    }
  } catch (error) {
    return (error as Error).message
  }
}

function within(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text !== '' && value >= min && value <= max) return value
  throw new Error(`${name} is ${text}, must be from ${min} to ${max}`)
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = within(name, text, min, max)
  if (Number.isInteger(value)) return value
  throw new Error(`${name} is ${text}, must be a whole number`)
}

/** The named members, in the order of `all`. */
function subset<Name extends string>(option: string, text: string, all: readonly Name[]): readonly Name[] {
  const wanted = text.split(',')
  const strange = wanted.find(each => !all.includes(each as Name))
  if (strange !== undefined) throw new Error(`${option} holds "${strange}", must be of ${all.join(', ')}`)
  return all.filter(each => wanted.includes(each))
}
