import { parseArgs } from 'node:util'
import { orSentence, whole } from '../bench/arguments.ts'
import { attackNames } from './attacks.ts'

export const usage = `npm run test:attack -- [options]
  --only NAMES   of ${attackNames.join(', ')}
                 (all)
  --quick        shorter measurements
  --rounds N     each attack so often on the same balancer, with what it holds after each (1; at most 20)
  --help
`

/** How long each part of a measurement takes, in seconds. */
export interface Phases {
  readonly beforeS: number
  readonly duringS: number
  readonly afterS: number
}

export interface Options {
  readonly only: readonly string[]
  readonly phases: Phases
  readonly rounds: number
  readonly help: boolean
}

const usual: Phases = { beforeS: 6, duringS: 15, afterS: 10 }
const quick: Phases = { beforeS: 3, duringS: 6, afterS: 4 }

/** The options, or a sentence on what is wrong with them. */
export function parseOptions(argv: readonly string[]): Options | string {
  return orSentence(() => {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false }
      }
    })
    const only = values.only?.split(',') ?? attackNames
    const unknown = only.find(name => !attackNames.includes(name))
    if (unknown !== undefined)
      throw new Error(`${unknown} is no attack, must be one of ${attackNames.join(', ')}`)
    return {
      only,
      phases: values.quick ? quick : usual,
      rounds: whole('--rounds', values.rounds, 1, 20),
      help: values.help
    }
  })
}
