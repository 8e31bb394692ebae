import { parseArgs } from 'node:util'
import { oneOf, orSentence, whole, within } from './arguments.ts'
import { capacityFleetNames, type FleetName } from './fleet-plan.ts'

export const capacityUsage = `npm run bench:capacity -- [options]
  --masters NAME       small (4 JRubies), equal (16) or large (32) (equal)
  --sigma X            how uneven compile times are, as the sigma of a log-normal distribution, 0.05 to 1.5 (0.7)
  --half-minutes N     minutes at half load, from which is told what fills the masters, 6 to 10 (7)
  --full-minutes N     minutes at the load that is called full, 2 to 18 (10)
  --seed N             of the runs, 1 to 1000 (1)
  --compression X      how many times faster than Puppet, 1 to 20 (8); the way through sockets takes room from JRubies
                       as many times
  --threads N          worker threads, 1 to 16 (1)
  --help               this
`

/** What the command line asks for. */
export interface CapacityOptions {
  readonly fleet: FleetName
  readonly sigma: number
  readonly halfMinutes: number
  readonly fullMinutes: number
  readonly seed: number
  readonly compression: number
  readonly threads: number
  readonly help: boolean
}

/** The options, or a sentence on what is wrong with them. */
export function parseCapacityOptions(argv: readonly string[]): CapacityOptions | string {
  return orSentence(() => {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        masters: { type: 'string', default: 'equal' },
        sigma: { type: 'string', default: '0.7' },
        'half-minutes': { type: 'string', default: '7' },
        'full-minutes': { type: 'string', default: '10' },
        seed: { type: 'string', default: '1' },
        compression: { type: 'string', default: '8' },
        threads: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false }
      }
    })
    return {
      fleet: oneOf('--masters', values.masters, capacityFleetNames),
      sigma: within('--sigma', values.sigma, 0.05, 1.5),
      halfMinutes: within('--half-minutes', values['half-minutes'], 6, 10),
      fullMinutes: within('--full-minutes', values['full-minutes'], 2, 18),
      seed: whole('--seed', values.seed, 1, 1000),
      compression: within('--compression', values.compression, 1, 20),
      threads: whole('--threads', values.threads, 1, 16),
      help: values.help
    }
  })
}
