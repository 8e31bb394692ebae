import type { Logger } from 'pino'
import type { EventLog } from '../model/event.ts'
import type { Runtime } from '../model/runtime.ts'
import type { CertificateEnd } from './certificate-ends.ts'

const DAY_MS = 86_400_000
/** How often the ends are looked at; a new one is looked at at once. */
const LOOK_MS = 3_600_000
/** Days before an end at which it is told, and the end itself. */
const STAGES = [30, 14, 7, 1, 0] as const

/** Tells of certificates that end soon: once at each stage. */
export interface ExpiryNotices {
  /** There may be others: tells of those that are new and about to end. */
  readonly look: () => void
  /** Looks now, and from now on every hour. */
  readonly start: () => void
  readonly stop: () => void
}

export function createExpiryNotices({
  ends,
  runtime,
  log,
  events
}: {
  readonly ends: () => readonly CertificateEnd[]
  readonly runtime: Pick<Runtime, 'wallClock' | 'schedule'>
  readonly log: Pick<Logger, 'warn'>
  readonly events: Pick<EventLog, 'add'>
}): ExpiryNotices {
  /** The last stage that was told, by certificate. */
  let told: ReadonlyMap<string, number> = new Map()
  let cancel = () => {}

  function look(): void {
    const nowMs = runtime.wallClock()
    const next = new Map<string, number>()
    for (const end of ends()) {
      const stage = stageOf(end.notAfter.getTime() - nowMs)
      if (stage === undefined || end.hasHeir || isToldElsewhere(end, stage)) continue
      const key = `${end.role} ${end.source} ${end.notAfter.getTime()}`
      next.set(key, stage)
      if (told.get(key) !== stage) tell(end, nowMs)
    }
    told = next
  }

  function tell({ role, notAfter, source }: CertificateEnd, nowMs: number): void {
    const daysLeft = Math.floor((notAfter.getTime() - nowMs) / DAY_MS)
    const what = role === 'crl' ? 'revocation list' : 'certificate'
    const sentence =
      notAfter.getTime() < nowMs ? `a ${what} in use has expired` : `a ${what} in use ends soon`
    log.warn({ role, notAfter: notAfter.toISOString(), daysLeft, source }, sentence)
    events.add({
      kind: 'certificate',
      text: `${sentence}: ${role}, of ${source}, on ${notAfter.toISOString()}`
    })
  }

  function start(): void {
    look()
    cancel = runtime.schedule(LOOK_MS, start)
  }

  return { look, start, stop: () => cancel() }
}

/** The last stage that is reached: 30, 14, 7 or 1 days before an end, or 0 after it; `undefined` before the first. */
export function stageOf(leftMs: number): number | undefined {
  if (leftMs < 0) return 0
  return STAGES.findLast(days => days > 0 && leftMs <= days * DAY_MS)
}

/** What becomes of agents when a list is out of date is told together with that. */
function isToldElsewhere({ role }: CertificateEnd, stage: number): boolean {
  return role === 'crl' && stage === 0
}
