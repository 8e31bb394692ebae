import { loadConfig } from '../config/load.ts'
import type { Candidate, Explanation } from '../model/explanation.ts'

/** Which request, and which balancer to ask. */
export interface WhyOptions {
  readonly requestId: string
  /** Origin of the admin listener, `http://host:port`. */
  readonly admin?: string | undefined
  /** The configuration file of that balancer, which says where its admin listener is. */
  readonly config?: string | undefined
}

const DEFAULT_ADMIN = 'http://127.0.0.1:9140'
const TIMEOUT_MS = 5_000

/**
 * What a running balancer remembers of a request, for a person; `undefined` when it remembers nothing. Throws a
 * ConfigError, or an Error when the admin listener cannot be asked.
 */
export async function why(options: WhyOptions, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const admin = options.config ? adminOf(options.config, env) : (options.admin ?? DEFAULT_ADMIN)
  const answer = await ask(admin, options.requestId)
  if (answer.status === 404) return undefined
  if (answer.status !== 200) throw new Error(`the admin listener ${admin} answered ${answer.status}`)
  return describe((await answer.json()) as Explanation)
}

async function ask(admin: string, requestId: string): Promise<Response> {
  try {
    const url = new URL(`/api/why/${encodeURIComponent(requestId)}`, admin)
    return await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch (error) {
    const { message, cause } = error as Error
    const reason = (cause as NodeJS.ErrnoException | undefined)?.code ?? message
    throw new Error(`the admin listener ${admin} cannot be reached: ${reason}`)
  }
}

/** A listener on every address is on this machine's own one too. */
function adminOf(file: string, env: NodeJS.ProcessEnv): string {
  const { host, port } = loadConfig(file, env).admin
  const own = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${own.includes(':') ? `[${own}]` : own}:${port}`
}

const chosenBy: Readonly<Record<string, string>> = {
  none: 'nobody was asked, the load balancer answered by itself',
  ca: 'the CA master alone',
  'every-master': 'every master is asked',
  certname: "the first with room in the certname's own order",
  content: 'the order of the content, so that a file is found where it was stored',
  'least-loaded': 'the lowest score with room (least-loaded)',
  'round-robin': 'whose turn it is, among those with room (round-robin)',
  rendezvous: "the first with room in the key's own order (rendezvous)"
}

function describe(told: Explanation): string {
  const { id, certname, rule, pinned, candidates, queueMs, tried, end, status, durationMs } = told
  const goesOn = end === 'open' ? `still open after ${ms(durationMs)}` : `${end} after ${ms(durationMs)}`
  return [
    `request:  ${id}, came ${ms(told.ageMs)} ago`,
    `agent:    ${certname ?? 'without a certificate'}`,
    `class:    ${told.class}`,
    `chosen:   ${pinned === undefined ? '' : `pinned to ${pinned}, else `}${chosenBy[rule] ?? rule}`,
    ...block('masters:', tableOf(candidates)),
    `queue:    ${ms(queueMs)}`,
    ...block(
      'attempts:',
      tried.map((each, index) => `${index + 1}. ${each.master}: ${each.end} after ${ms(each.ms)}`)
    ),
    `ending:   ${goesOn}${status === undefined ? '' : `, status ${status}`}`
  ].join('\n')
}

function tableOf(candidates: readonly Candidate[]): readonly string[] {
  if (candidates.length === 0) return []
  const hasPlaces = candidates.some(candidate => candidate.place !== undefined)
  const header = ['name', 'open', 'JRubies', 'weight', 'score', ...(hasPlaces ? ['place'] : [])]
  const rows = candidates.map(({ master, open, busy, capacity, weight, score, place }) =>
    [master, open, `${busy} of ${capacity}`, weight, score, ...(hasPlaces ? [place ?? ''] : [])].map(String)
  )
  const widths = header.map((name, column) =>
    Math.max(...[header, ...rows].map(row => (row[column] ?? name).length))
  )
  return [header, ...rows].map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  )
}

function block(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0
    ? [`${title.padEnd(10)}none`]
    : lines.map((line, index) => `${(index === 0 ? title : '').padEnd(10)}${line}`)
}

function ms(value: number): string {
  return value < 10_000 ? `${value} ms` : `${Math.round(value / 100) / 10} s`
}
