import { parseArgs } from 'node:util'
import { orSentence, whole, within } from '../bench/arguments.ts'

export const usage = `npm run test:soak -- [options]
  --minutes N   how long (10; from 0.5 to 600)
  --seed N      of what is changed and killed when (1)
  --help
`

export interface Options {
  readonly minutes: number
  readonly seed: number
  readonly help: boolean
}

/** The options, or a sentence on what is wrong with them. */
export function parseOptions(argv: readonly string[]): Options | string {
  return orSentence(() => {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        minutes: { type: 'string', default: '10' },
        seed: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false }
      }
    })
    return {
      minutes: within('--minutes', values.minutes, 0.5, 600),
      seed: whole('--seed', values.seed, 0, 1_000_000),
      help: values.help
    }
  })
}
