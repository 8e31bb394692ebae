import { isRunning } from '../../puppet/status.ts'
import { type Cause, type CauseKind, causeOf, causeOfAnswer } from '../../upstream/cause.ts'
import type { Line } from './line.ts'
import { NoAnswer } from './no-answer.ts'

/** A probe that was no good. */
export interface BadProbe {
  readonly healthy: false
  /** A clause about the master, without an address. */
  readonly cause: string
  /** For the metric. Left out: `other`. */
  readonly kind?: CauseKind | undefined
  /** The master took the connection and did not answer in time, as one does that is busy. */
  readonly isSlow: boolean
  /** It was never asked, for want of something of our own; that says nothing about the master. */
  readonly isOwnFault: boolean
  /**
   * A new connection got no word of it (no ServerHello; over plain HTTP no answer), and meanwhile nothing came on any
   * other. One that is merely busy still shakes hands.
   */
  readonly isSilent?: boolean
}

export type ProbeResult = { readonly healthy: true } | BadProbe

/** How a probe is made. */
export interface ProbeManner {
  /** On a new connection. */
  readonly isFresh: boolean
  /** The master was up: before it is called silent it is asked a second time, on a new connection. */
  readonly isTrusted: boolean
}

export interface ProbeDeps {
  readonly line: Pick<Line, 'ask'>
  readonly path: string
  readonly isSecure: boolean
  /** How often anything came from the master, on any connection. */
  readonly arrivals: () => number
  /** What a new connection shows on which the master is asked nothing; `undefined` for nothing. */
  readonly hint: () => Promise<Cause | undefined>
}

/** Asks one master whether it runs. Never rejects: what goes wrong is an unhealthy result with its cause. */
export async function probe({ isFresh, isTrusted }: ProbeManner, deps: ProbeDeps): Promise<ProbeResult> {
  const before = deps.arrivals()
  const saysNothing = (result: ProbeResult): result is BadProbe =>
    !result.healthy && isLate(result.kind) && deps.arrivals() === before
  let result = await look(deps, isFresh)
  if (!saysNothing(result)) return result
  // One that shook hands is busy, not silent. On a kept connection that does not show.
  const isBusy = () => deps.isSecure && !result.healthy && result.isSlow
  if (!isFresh || (isTrusted && !isBusy())) {
    result = await look(deps, true)
    if (!saysNothing(result)) return result
  }
  return isBusy() ? result : { ...result, isSilent: true }
}

/** Whether a cause says that nothing came in time. */
export function isLate(kind: CauseKind | undefined): boolean {
  return lateKinds.has(kind)
}

const lateKinds: ReadonlySet<CauseKind | undefined> = new Set([
  'connect-timeout',
  'handshake-timeout',
  'timeout'
])

async function look(deps: ProbeDeps, isFresh: boolean): Promise<ProbeResult> {
  try {
    const { status, body } = await deps.line.ask(deps.path, isFresh)
    return isRunning(status, body, deps.path) ? { healthy: true } : bad(causeOfAnswer(status))
  } catch (error) {
    if (!(error instanceof NoAnswer)) return bad(causeOf(error))
    const { isSlow, isOwnFault } = error
    return { ...bad(await trueCause(error.why, deps)), isSlow, isOwnFault }
  }
}

/**
 * A master that refuses our certificate under TLS 1.3 says so after the handshake. When our question is on its way by
 * then, it may be answered with a reset that takes the alert away before it is read; asked nothing, the alert is heard
 * (RFC 8446, section 2: a client may send before it knows that its certificate was taken).
 */
async function trueCause(why: Cause, { hint }: ProbeDeps): Promise<Cause> {
  if (why.kind !== 'reset' && why.kind !== 'closed') return why
  return (await hint()) ?? why
}

function bad({ kind, text }: Cause): BadProbe {
  return { healthy: false, cause: text, kind, isSlow: false, isOwnFault: false }
}
