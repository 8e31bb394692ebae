import { parseArgs } from 'node:util'
import { oneOf, orSentence, subset, whole } from './arguments.ts'
import { type Effort, efforts } from './figures.ts'
import { type KeyName, keyNames } from './material.ts'
import { type PeerName, type PeerSource, peerNames, peerSources, peerUsage } from './peers/names.ts'
import { type Scheme, schemes } from './peers/site.ts'

/** Where no request waits, these two do what others do. */
const likeOthers: readonly PeerName[] = ['haproxy-maxconn', 'haproxy-phase']
const defaultProxies = peerNames.filter(name => !likeOthers.includes(name))

export const usage = `npm run bench -- [options]
  --quick              smaller and fewer measurements: some one minute instead of some seven
  --rounds N           measurements of each figure, 1 to 100 (6; 3 with --quick)
  --seed N             order of the proxies in each round, 0 to 1000000 (1)
  --upstream LIST      how the proxies reach the masters: http, https or both (http,https; http with --quick)
  --key TYPE           of CA, server and agents: rsa is RSA-4096, Puppet's default, ecdsa is P-256 (rsa)
  --threads N          worker threads of each proxy, 1 to 16 (1); nginx has processes
  --log on|off         whether every proxy writes a line for each request into a file, or none does (on)
  --peers SOURCE       debian13 makes a Debian 13 with HAProxy and nginx once, in ~/.cache/puppet-lb, and wants root;
                       installed takes those of this machine, whose OpenSSL may be another than ours (debian13)
  --proxies LIST       of ${peerNames.join(', ')}
                       (all but haproxy-maxconn and haproxy-phase, which differ only where requests wait)
${peerUsage}  --from LIST          measures nothing: joins the cpu.json of earlier measurements
  --out DIRECTORY      where cpu.md, cpu.svg and cpu.json go (test/bench/out)
  --keep               leave configurations and logs of the proxies where they are
  --help               this
`

/** What the command line asks for. */
export interface Options {
  readonly effort: Effort
  readonly seed: number
  readonly upstream: readonly Scheme[]
  readonly key: KeyName
  readonly threads: number
  readonly logs: boolean
  readonly peers: PeerSource
  readonly proxies: readonly PeerName[]
  /** Files of measurements to join in place of making some. */
  readonly from: readonly string[] | undefined
  readonly out: string | undefined
  readonly keep: boolean
  readonly help: boolean
}

/** The options, or a sentence on what is wrong with them. */
export function parseOptions(argv: readonly string[]): Options | string {
  return orSentence(() => {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        seed: { type: 'string', default: '1' },
        upstream: { type: 'string' },
        key: { type: 'string', default: 'rsa' },
        threads: { type: 'string', default: '1' },
        log: { type: 'string', default: 'on' },
        peers: { type: 'string', default: 'debian13' },
        proxies: { type: 'string', default: defaultProxies.join() },
        from: { type: 'string' },
        out: { type: 'string' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    })
    const effort = values.quick ? efforts.quick : efforts.full
    return {
      effort: { ...effort, rounds: whole('--rounds', values.rounds ?? String(effort.rounds), 1, 100) },
      seed: whole('--seed', values.seed, 0, 1_000_000),
      upstream: subset('--upstream', values.upstream ?? (values.quick ? 'http' : schemes.join()), schemes),
      key: oneOf('--key', values.key, keyNames),
      threads: whole('--threads', values.threads, 1, 16),
      logs: oneOf('--log', values.log, ['on', 'off']) === 'on',
      peers: oneOf('--peers', values.peers, peerSources),
      proxies: subset('--proxies', values.proxies, peerNames),
      from: values.from?.split(','),
      out: values.out,
      keep: values.keep,
      help: values.help
    }
  })
}
