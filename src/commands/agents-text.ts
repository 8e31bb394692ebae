import type { AgentList, AgentStatus } from '../model/agents.ts'
import { tableOf } from './table.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const header = [
  'certname',
  'last seen',
  'run',
  'compile',
  'requests',
  'an hour',
  'failing',
  'Puppet',
  'environment',
  'master',
  'certificate'
]

/** Agents for a person. `offset`: so many were left out before them; `nowMs` counts from 1970. */
export function describeAgents(
  { total, agents }: AgentList,
  { offset, nowMs }: { readonly offset: number; readonly nowMs: number }
): string {
  if (agents.length === 0) return total === 0 ? 'none' : `none behind the first ${total}`
  const rows = agents.map(agent => rowOf(agent, nowMs))
  const isAll = agents.length === total
  return [
    ...tableOf(header, rows),
    ...(isAll ? [] : [`${offset + 1} to ${offset + agents.length} of ${total}`])
  ].join('\n')
}

function rowOf(agent: AgentStatus, nowMs: number): readonly string[] {
  return [
    agent.certname,
    `${spanOf(nowMs - Date.parse(agent.lastSeen))} ago`,
    `${agent.lastRunSeconds} s${agent.reported ? '' : ', no report'}`,
    agent.compileSeconds === null ? '' : `${agent.compileSeconds} s`,
    String(agent.requests),
    String(agent.requestsPerHour),
    failingOf(agent),
    agent.version ?? '',
    agent.environment ?? '',
    agent.master ?? '',
    endOf(agent.certificateNotAfter, nowMs)
  ]
}

/** What failed, and for how many runs in a row. */
function failingOf({ failure, failedRuns }: AgentStatus): string {
  if (failure === null) return ''
  return failedRuns === 1 ? failure : `${failure}, ${failedRuns} runs`
}

function endOf(notAfter: string, nowMs: number): string {
  const leftMs = Date.parse(notAfter) - nowMs
  return leftMs < 0 ? `ended ${spanOf(-leftMs)} ago` : `ends in ${spanOf(leftMs)}`
}

/** A time in the largest unit of which it has one. */
function spanOf(ms: number): string {
  if (ms >= DAY_MS) return `${Math.floor(ms / DAY_MS)} d`
  if (ms >= HOUR_MS) return `${Math.floor(ms / HOUR_MS)} h`
  if (ms >= MINUTE_MS) return `${Math.floor(ms / MINUTE_MS)} min`
  return `${Math.max(0, Math.floor(ms / SECOND_MS))} s`
}
