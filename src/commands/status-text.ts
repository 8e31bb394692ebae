import type { KeptOverride, MasterStatus, PoolStatus, Status } from '../model/status.ts'
import { codeLines } from './code-text.ts'
import { block, tableOf } from './table.ts'

const INDENT = 14
const DAY_MS = 86_400_000

/** The state of a balancer for a person. `readiness` is `yes`, or `no` and why; `nowMs` counts from 1970. */
export function describeStatus(status: Status, readiness: string, nowMs: number): string {
  const { version, masters, ca, queue, pools = [], certificates, ownCertificate, crl, reload, kept } = status
  // An older one does not say.
  const { code = [] }: Partial<Pick<Status, 'code'>> = status
  const cause = ca.cause === null ? '' : `: ${ca.cause}`
  return [
    ...block('ready:', [readiness], INDENT),
    ...block('masters:', masterTable(masters), INDENT),
    // Nearly always there is nothing of the kind.
    ...(kept.length > 0 ? block('absent:', kept.map(describeKept), INDENT) : []),
    ...block('CA:', [`${ca.url} is ${ca.state}${cause}`], INDENT),
    ...block('queue:', [`${queue.catalog} catalog, ${queue.report} report, ${queue.light} light`], INDENT),
    ...(pools.length > 0 ? block('pools:', poolTable(pools), INDENT) : []),
    ...(code.length > 0 ? block('code:', codeLines(code), INDENT) : []),
    ...block('certificates:', certificateTable(certificates, nowMs), INDENT),
    ...(ownCertificate.cause === null
      ? []
      : block('', [`${ownCertificate.state.toUpperCase()}: ${ownCertificate.cause}`], INDENT)),
    ...block('CRL:', crl ? [describeCrl(crl, nowMs)] : [], INDENT),
    ...block('last reload:', describeReload(reload), INDENT),
    ...block('version:', [version], INDENT)
  ].join('\n')
}

function masterTable(masters: readonly MasterStatus[]): readonly string[] {
  if (masters.length === 0) return []
  const header = ['name', 'source', 'state', 'mode', 'open', 'JRubies', 'weight', 'priority', 'URL', 'cause']
  const rows = masters.map(master => {
    const { name, source, state, mode, inFlight, capacity, priority, url, cause } = master
    return [name, source, state, mode, inFlight, capacity, weightOf(master), priority, url, cause ?? ''].map(
      String
    )
  })
  return tableOf(header, rows)
}

function poolTable(pools: readonly PoolStatus[]): readonly string[] {
  const rows = pools.map(({ name, up, queue }) => [
    name,
    ...[up, queue.catalog, queue.report, queue.light].map(String)
  ])
  return tableOf(['name', 'up', 'catalog', 'report', 'light'], rows)
}

/** An operator's weight is marked by the one it stands for. */
export function weightOf({ weight, configuredWeight }: MasterStatus): string {
  return weight === configuredWeight ? String(weight) : `${weight} (configured: ${configuredWeight})`
}

/** What operators said of a name that no master has now. */
export function describeKept({ name, mode, weight }: KeptOverride): string {
  const parts = [...(mode === null ? [] : [mode]), ...(weight === null ? [] : [`weight ${weight}`])]
  return `${name}: ${parts.join(', ')}`
}

function certificateTable(certificates: Status['certificates'], nowMs: number): readonly string[] {
  if (certificates.length === 0) return []
  const rows = certificates.map(({ role, notAfter, source }) => [
    role,
    notAfter,
    daysTo(notAfter, nowMs),
    source
  ])
  return tableOf(['role', 'valid until', 'days', 'source'], rows)
}

function describeCrl(crl: NonNullable<Status['crl']>, nowMs: number): string {
  const { entries, number, thisUpdate, nextUpdate, source, problem, late } = crl
  const effect = {
    keep: ', OUT OF DATE and still in force',
    refuse: ', OUT OF DATE: the agents of its CA are refused'
  }
  const next =
    nextUpdate === null ? 'no next one named' : `next due ${nextUpdate} (${daysTo(nextUpdate, nowMs)} days)`
  return `${entries} revoked, ${number === null ? '' : `number ${number}, `}of ${thisUpdate}, ${next}, ${source}${late === null ? '' : effect[late]}${problem === null ? '' : `, THE CA GIVES NONE: ${problem}`}`
}

function describeReload({ at, ok, problems, needsRestart }: Status['reload']): readonly string[] {
  return [
    `${at}, ${ok ? 'ok' : 'refused, the settings before it are in force'}`,
    ...problems.map(problem => `  ${problem}`),
    ...(needsRestart.length > 0 ? [`needs a restart: ${needsRestart.join(', ')}`] : [])
  ]
}

/** Whole days from now on; below zero once it is over. */
function daysTo(date: string, nowMs: number): string {
  return String(Math.floor((Date.parse(date) - nowMs) / DAY_MS))
}
