import { type Candidate, type Explanation, firstTurns } from '../model/explanation.ts'
import { type AdminFlags, findAdmin } from './admin-address.ts'
import { askAdmin } from './admin-client.ts'
import { block, tableOf } from './table.ts'

/** Which request, and which balancer to ask. */
export interface WhyOptions extends AdminFlags {
  readonly requestId: string
}

/**
 * What a running balancer remembers of a request, for a person; `undefined` when it remembers nothing. Throws a
 * ConfigError, or an Error when the admin listener cannot be asked.
 */
export async function why(options: WhyOptions, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const path = `/api/why/${encodeURIComponent(options.requestId)}`
  const answer = await askAdmin(await findAdmin(options, env), { path, accept: [200, 404] })
  return answer.status === 404 ? undefined : describe(answer.json() as Explanation)
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

const INDENT = 10

function describe(told: Explanation): string {
  const { id, remote, certname, rule, pinned, candidates, queueMs, end, cause, status, durationMs } = told
  const why = cause === undefined ? end : `${end} (${cause})`
  const goesOn = end === 'open' ? `still open after ${ms(durationMs)}` : `${why} after ${ms(durationMs)}`
  const nobody =
    end === 'certificate-refused' ? 'with a certificate that was refused' : 'without a certificate'
  return [
    `request:  ${id}, came ${ms(told.ageMs)} ago`,
    `agent:    ${certname ?? nobody}${remote === undefined ? '' : `, from ${remote}`}`,
    `class:    ${told.class}`,
    ...(told.pool === undefined ? [] : block('pool:', [poolOf(told, told.pool)], INDENT)),
    `chosen:   ${pinned === undefined ? '' : `pinned to ${pinned}, else `}${chosenBy[rule] ?? rule}`,
    ...block('masters:', candidateTable(candidates), INDENT),
    `queue:    ${ms(queueMs)}`,
    ...block('attempts:', attemptsOf(told), INDENT),
    `ending:   ${goesOn}${status === undefined ? '' : `, status ${status}`}`
  ].join('\n')
}

/** Whose masters it wanted, and by which route. */
function poolOf({ route }: Explanation, pool: string): string {
  if (!route) return `${pool}, which gets what no route takes`
  const by = `by route ${route.number} (${route.conditions}), ${route.place}`
  return pool === route.pool ? `${pool}, ${by}` : `${pool}, in place of ${route.pool}, ${by}`
}

/** Each with its number. */
function attemptsOf({ tried, leftOut = 0 }: Explanation): readonly string[] {
  return tried.map(({ master, end, ms: took }, index) => {
    const number = index < firstTurns ? index + 1 : index + 1 + leftOut
    return `${number}. ${master}: ${end} after ${ms(took)}`
  })
}

function candidateTable(candidates: readonly Candidate[]): readonly string[] {
  if (candidates.length === 0) return []
  const columns = (['started', 'failed', 'place'] as const).filter(column =>
    candidates.some(candidate => candidate[column] !== undefined)
  )
  const header = ['name', 'open', 'JRubies', 'weight', 'score', ...columns]
  const rows = candidates.map(candidate => {
    const { master, open, busy, capacity, weight, score } = candidate
    const further = columns.map(column => candidate[column] ?? '')
    return [master, open, `${busy} of ${capacity}`, weight, score, ...further].map(String)
  })
  return tableOf(header, rows)
}

function ms(value: number): string {
  return value < 10_000 ? `${value} ms` : `${Math.round(value / 100) / 10} s`
}
