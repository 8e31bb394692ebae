import { isIP } from 'node:net'
import type { MasterSettings, Settings } from '../../model/settings.ts'
import type { SrvRecord, SrvTarget } from './srv.ts'
import { srvNames } from './srv.ts'

/** What DNS is asked. */
export interface Question {
  /** `srv`: the SRV records of a name. `host`: the addresses of a name in a URL. `target`: of one in an SRV record. */
  readonly kind: 'srv' | 'host' | 'target'
  readonly name: string
  /** Name servers to ask; none: the system is asked, `/etc/hosts` included. */
  readonly servers: readonly string[]
  readonly refreshMs: number
}

/** An answer that says something: SRV records, or IP addresses. */
export type Answer = { readonly records: readonly SrvRecord[] } | { readonly addresses: readonly string[] }

/** What is known of a question. */
export interface Known {
  /** The last good answer. */
  readonly answer: Answer | undefined
  /** Why the last try came to nothing; `undefined` when it went well, or there was none yet. */
  readonly cause: string | undefined
  readonly isTried: boolean
}

/** Names a question, whoever is asked. */
export function keyOf({ kind, name }: Pick<Question, 'kind' | 'name'>): string {
  return `${kind} ${name}`
}

/** What settings lead to, and what the targets do that SRV records name by now. */
export function questionsOf(
  { masters, ca, discovery }: Pick<Settings, 'masters' | 'ca' | 'discovery'>,
  targets: readonly SrvTarget[]
): readonly Question[] {
  const { refreshMs, srv } = discovery
  const urls = [...masters, ...(ca ? [ca] : [])].map(({ url }) => url)
  const hosts = urls.map(hostOf).map((name): Question => ({ kind: 'host', name, servers: [], refreshMs }))
  const questions = srv ? [...hosts, ...srvQuestions(srv, ca === undefined, targets)] : hosts
  const named = questions.filter(({ kind, name }) => kind === 'srv' || isIP(name) === 0)
  return [...new Map(named.map(question => [keyOf(question), question])).values()]
}

function srvQuestions(
  { domain, refreshMs, servers }: NonNullable<Settings['discovery']['srv']>,
  asksForCa: boolean,
  targets: readonly SrvTarget[]
): readonly Question[] {
  const names = srvNames(domain)
  const question = (kind: Question['kind']) => (name: string) => ({ kind, name, servers, refreshMs })
  return [
    ...[names.masters, ...(asksForCa ? [names.ca] : [])].map(question('srv')),
    ...targets.map(({ host }) => host).map(question('target'))
  ]
}

/** The host of a URL, IPv6 without brackets. */
export function hostOf(url: MasterSettings['url']): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, '')
}
