import { parseArgs } from 'node:util'
import { type Effort, efforts } from './figures.ts'
import { type ProxyName, proxyNames, type Scheme, schemes } from './ports.ts'

export const usage = `npm run bench -- [options]
  --quick              smaller and fewer measurements: under a minute instead of some four
  --rounds N           measurements of each figure (6; 3 with --quick)
  --seed N             order of the proxies in each round (1)
  --upstream LIST      how the proxies reach the masters: http, https or both (http,https; http with --quick)
  --proxies LIST       of haproxy, nginx, puppet-lb (all)
  --json FILE          write every measurement into a file as well
  --keep               leave configurations and logs of the proxies where they are
`

/** What the command line asks for. */
export interface Options {
  readonly effort: Effort
  readonly seed: number
  readonly upstream: readonly Scheme[]
  readonly proxies: readonly ProxyName[]
  readonly json: string | undefined
  readonly keep: boolean
  readonly help: boolean
}

/** The options, or a sentence on what is wrong with them. */
export function parseOptions(argv: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        seed: { type: 'string', default: '1' },
        upstream: { type: 'string' },
        proxies: { type: 'string', default: proxyNames.join() },
        json: { type: 'string' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
    const effort = values.quick ? efforts.quick : efforts.full
    return {
      effort: { ...effort, rounds: wholeNumber('--rounds', values.rounds ?? String(effort.rounds), 1) },
      seed: wholeNumber('--seed', values.seed, 0),
      upstream: subset('--upstream', values.upstream ?? (values.quick ? 'http' : schemes.join()), schemes),
      proxies: subset('--proxies', values.proxies, proxyNames),
      json: values.json,
      keep: values.keep,
      help: values.help
    }
  } catch (error) {
    return (error as Error).message
  }
}

function wholeNumber(name: string, value: string, min: number): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < min) {
    throw new Error(`${name} is ${value}, must be a whole number from ${min}`)
  }
  return number
}

/** The named members, in the order of `all`. */
function subset<Name extends string>(name: string, value: string, all: readonly Name[]): readonly Name[] {
  const wanted = value.split(',')
  const strange = wanted.find(each => !all.includes(each as Name))
  if (strange !== undefined) throw new Error(`${name} holds "${strange}", must be of ${all.join(', ')}`)
  return all.filter(each => wanted.includes(each))
}
