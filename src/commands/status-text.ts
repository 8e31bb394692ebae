import { capacityWords } from '../admin/page/view/capacity-words.js'
import { concernsOf } from '../admin/page/view/concerns.js'
import { standingOf } from '../admin/page/view/standing.js'
import { isOut } from '../model/master.ts'
import type { KeptOverride, MasterStatus, PoolStatus, Status, StatusReport } from '../model/status.ts'
import { codeLines } from './code-text.ts'
import { harmless, type Paint } from './paint.ts'
import { block, tableOf } from './table.ts'

const INDENT = 14
const DAY_MS = 86_400_000
const nothing = { certificates: 0, limits: 0 }
/** A certificate that ends sooner is told in colour. */
const SOON_DAYS = 30

/** The state of a balancer for a person. `readiness` is `yes`, or `no` and why; `nowMs` counts from 1970. */
export function describeStatus(status: StatusReport, readiness: string, nowMs: number, paint: Paint): string {
  const { version, masters, ca, queue, pools = [], certificates, ownCertificate, crl, reload, kept } = status
  // An older one does not say.
  const { code = [], capacity = [] }: Partial<Pick<Status, 'code' | 'capacity'>> = status
  const cause = ca.cause === null ? '' : `: ${ca.cause}`
  return [
    ...block('ready:', [paint.tone(status.ready ? 'good' : 'bad', harmless(readiness))], INDENT),
    ...describeConcerns(status, nowMs, paint),
    ...block('masters:', masterTable(masters, paint), INDENT),
    // Nearly always there is nothing of the kind.
    ...(kept.length > 0 ? block('absent:', kept.map(describeKept), INDENT) : []),
    ...block(
      'CA:',
      [`${ca.url} is ${paint.tone(isOut(ca.state) ? 'bad' : 'good', ca.state)}${harmless(cause)}`],
      INDENT
    ),
    ...block('queue:', [`${queue.catalog} catalog, ${queue.report} report, ${queue.light} light`], INDENT),
    ...(pools.length > 0 ? block('pools:', poolTable(pools, paint), INDENT) : []),
    ...(capacity.length > 0 ? block('capacity:', capacity.map(describeCapacity), INDENT) : []),
    ...(code.length > 0 ? block('code:', codeLines(code), INDENT) : []),
    ...block('certificates:', certificateTable(certificates, nowMs, paint), INDENT),
    ...(ownCertificate.cause === null
      ? []
      : block('', [`${ownCertificate.state.toUpperCase()}: ${ownCertificate.cause}`], INDENT)),
    ...block('CRL:', crl ? [describeCrl(crl, nowMs)] : [], INDENT),
    ...block('last reload:', describeReload(reload, paint), INDENT),
    ...block('version:', [version], INDENT)
  ].join('\n')
}

/** What somebody should look at, and what to do about it. The page says the same. */
function describeConcerns(status: StatusReport, nowMs: number, paint: Paint): readonly string[] {
  // An older one does not say.
  const { work = [], refused = nothing }: Partial<Pick<StatusReport, 'work' | 'refused'>> = status
  const view = { at: new Date(nowMs).toISOString(), notReady: null, status, work, refused }
  const concerns = concernsOf(view).map(({ level, text, remedy }) =>
    paint.tone(level, harmless(`${text}${remedy === undefined ? '' : ` ${remedy}`}`))
  )
  return concerns.length === 0 ? [] : block('look at:', concerns, INDENT)
}

/** One column; left out where nobody has anything to tell there. */
interface Column {
  readonly title: string
  readonly cell: (master: MasterStatus) => string
  readonly isNeeded?: (master: MasterStatus) => boolean
}

function masterTable(masters: readonly MasterStatus[], paint: Paint): readonly string[] {
  if (masters.length === 0) return []
  const standing = (master: MasterStatus, text: string) => paint.tone(standingOf(master).tone, text)
  const columns: readonly Column[] = [
    { title: 'name', cell: ({ name }) => harmless(name) },
    { title: 'source', cell: ({ source }) => source, isNeeded: ({ source }) => source !== 'file' },
    { title: 'state', cell: master => standing(master, master.state) },
    { title: 'mode', cell: master => (master.mode === 'active' ? 'active' : paint.tone('off', master.mode)) },
    { title: 'open', cell: ({ inFlight }) => String(inFlight) },
    { title: 'JRubies', cell: ({ capacity }) => String(capacity) },
    { title: 'weight', cell: weightOf },
    {
      title: 'priority',
      cell: ({ priority }) => String(priority),
      isNeeded: ({ priority }) => priority !== 0
    },
    { title: 'URL', cell: ({ url }) => harmless(url) },
    {
      title: 'cause',
      cell: master => standing(master, harmless(master.cause ?? '')),
      isNeeded: ({ cause }) => cause !== null
    }
  ]
  const shown = columns.filter(({ isNeeded }) => isNeeded === undefined || masters.some(isNeeded))
  return tableOf(
    shown.map(({ title }) => paint.head(title)),
    masters.map(master => shown.map(({ cell }) => cell(master)))
  )
}

function poolTable(pools: readonly PoolStatus[], paint: Paint): readonly string[] {
  const rows = pools.map(({ name, up, queue }) => [
    harmless(name),
    up === 0 ? paint.tone('bad', '0') : String(up),
    ...[queue.catalog, queue.report, queue.light].map(String)
  ])
  return tableOf(['name', 'up', 'catalog', 'report', 'light'].map(paint.head), rows)
}

/** The pool is named where there are others. */
function describeCapacity(capacity: Status['capacity'][number], _: number, all: Status['capacity']): string {
  return harmless(`${all.length > 1 ? `${capacity.pool}: ` : ''}${capacityWords(capacity)}`)
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

function certificateTable(
  certificates: Status['certificates'],
  nowMs: number,
  paint: Paint
): readonly string[] {
  if (certificates.length === 0) return []
  const rows = certificates.map(({ role, notAfter, source, renewed }) => {
    const days = daysTo(notAfter, nowMs)
    const isSoon = !renewed && Number(days) < SOON_DAYS
    return [
      role,
      notAfter,
      isSoon ? paint.tone('bad', days) : days,
      `${source}${renewed ? ', renewed beside it' : ''}`
    ]
  })
  return tableOf(['role', 'valid until', 'days', 'source'].map(paint.head), rows)
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

function describeReload(
  { at, ok, problems, needsRestart }: Status['reload'],
  paint: Paint
): readonly string[] {
  return [
    `${at}, ${ok ? 'ok' : paint.tone('bad', 'refused, the settings before it are in force')}`,
    ...problems.map(problem => `  ${problem}`),
    ...(needsRestart.length > 0 ? [`needs a restart: ${needsRestart.join(', ')}`] : [])
  ]
}

/** Whole days from now on; below zero once it is over. */
function daysTo(date: string, nowMs: number): string {
  return String(Math.floor((Date.parse(date) - nowMs) / DAY_MS))
}
