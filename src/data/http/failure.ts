import { errors } from 'undici'
import type { ReasonCode } from '../../model/errors.ts'
import { isOwnFault } from '../../model/own-fault.ts'
import { causeOf, clientCertificateRefused } from '../../upstream/cause.ts'

/** What a failed attempt means for its request. */
export interface Failure {
  /** For `retries_total` and the log. */
  readonly reason:
    | 'connect-failed'
    | 'own-fault'
    | 'master-lost'
    | 'master-busy'
    | 'master-timeout'
    | 'master-answer'
    | 'bad-request'
  readonly code: ReasonCode
  readonly cause: string
  /** The same as a clause about the master, for agents: without an address. */
  readonly text: string
  /** Whatever was sent, the master has read nothing of it. */
  readonly isUnread: boolean
  /** Another master might do better. */
  readonly worthAnother: boolean
}

/** An answer that is HTTP for undici, but none that could be carried. */
export class UnusableAnswer extends Error {
  override readonly name = 'UnusableAnswer'
}

/** What is known about an attempt that failed. */
interface Progress {
  /** A byte of the request may have reached the master. */
  readonly sent: boolean
  /** The head of the master's answer was there. */
  readonly answered: boolean
  /** Why the master is not up, as probes have found it. */
  readonly known?: string | undefined
}

/** What undici's error means. */
export function failureOf(error: Error, progress: Progress): Failure {
  const why = causeOf(error)
  const isUnread = why === clientCertificateRefused
  // A reset may have taken the alert away that said why. Probes have heard it.
  const isUnsaid = why.kind === 'reset' || why.kind === 'closed'
  const text = isUnsaid && progress.known === clientCertificateRefused.text ? progress.known : why.text
  return { ...meaningOf(error, { ...progress, sent: progress.sent && !isUnread }), text, isUnread }
}

function meaningOf(error: Error, { sent, answered }: Progress): Omit<Failure, 'text' | 'isUnread'> {
  const cause = (error as NodeJS.ErrnoException).code ?? error.name
  if (cause === 'UND_ERR_INVALID_ARG') {
    return { reason: 'bad-request', code: 'bad-request', cause, worthAnother: false }
  }
  // What this machine lacks for one master it may have for another: a local port, an answer of DNS.
  if (!sent && isOwnFault(error))
    return { reason: 'own-fault', code: 'no-connection', cause, worthAnother: true }
  if (!sent) return { reason: 'connect-failed', code: 'no-master', cause, worthAnother: true }
  if (cause === 'UND_ERR_HEADERS_TIMEOUT' || cause === 'UND_ERR_BODY_TIMEOUT') {
    return { reason: 'master-timeout', code: 'master-timeout', cause, worthAnother: false }
  }
  if (isNoAnswer(error, cause) && !isCutOff(error, cause, answered)) {
    return { reason: 'master-answer', code: 'master-answer', cause, worthAnother: true }
  }
  return { reason: 'master-lost', code: 'master-lost', cause, worthAnother: true }
}

/** Whether the master said something that is not HTTP, or nothing that could be carried. */
function isNoAnswer(error: Error, cause: string): boolean {
  return (
    error instanceof UnusableAnswer ||
    error instanceof errors.HTTPParserError ||
    error instanceof errors.HeadersOverflowError ||
    cause.startsWith('UND_ERR_RES') ||
    // undici takes a status below 100 for granted not to be.
    cause === 'ERR_ASSERTION' ||
    error.message === unaskedUpgrade
  )
}

/** What undici calls a 101 that nobody asked for: what comes behind it is another protocol, and no answer. */
const unaskedUpgrade = 'bad upgrade'

/**
 * Whether that only means that the connection ended in the middle: in a chunk, or short of the length in the head. A
 * length that is missed before the head is whole is undici's word for any fault behind it in the head.
 */
function isCutOff({ message }: Error, cause: string, answered: boolean): boolean {
  return (
    message.endsWith('(Invalid EOF state)') || (cause === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' && answered)
  )
}

/** Why we break an attempt off ourselves. */
export const agentGone = new Error('the agent hung up')
export const passedOn = new Error('the master is busy')
