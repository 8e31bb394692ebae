import { isOwnFault } from '../../model/own-fault.ts'
import { type Cause, causeOf, HANDSHAKE_TIMEOUT } from '../../upstream/cause.ts'

/** What came of a question while this process, or the machine, stood still: no answer could have been heard. */
export const suspended = new Error('this machine stood still')

/** Came of a question to a master that got no answer. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly why: Cause
  /** Its time was over. */
  readonly isLate: boolean
  /** It connected and then said nothing in time: it may be busy rather than broken. */
  readonly isSlow: boolean
  /** It was never asked: this machine or this process lacks something. */
  readonly isOwnFault: boolean

  constructor(
    error: unknown,
    {
      isLate,
      isTaken,
      isConnected
    }: { readonly isLate: boolean; readonly isTaken: boolean; readonly isConnected: boolean }
  ) {
    const isOurs = error === suspended || isOwnFault(error)
    const why = isOurs ? ownFault(error) : isLate ? late(isTaken, isConnected) : causeOf(error)
    super(why.text, { cause: error })
    this.why = why
    this.isOwnFault = isOurs
    this.isLate = !isOurs && (isLate || lateKinds.has(why.kind))
    this.isSlow = this.isLate && isConnected
  }
}

const lateKinds: ReadonlySet<Cause['kind']> = new Set(['connect-timeout', 'handshake-timeout', 'timeout'])

function ownFault(error: unknown): Cause {
  return error === suspended ? { kind: 'own-fault', text: suspended.message } : causeOf(error)
}

function late(isTaken: boolean, isConnected: boolean): Cause {
  if (isConnected) return { kind: 'timeout', text: 'it took the connection and did not answer in time' }
  return causeOf(Object.assign(new Error('timed out'), { code: isTaken ? HANDSHAKE_TIMEOUT : 'ETIMEDOUT' }))
}
