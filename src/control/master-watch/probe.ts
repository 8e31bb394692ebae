import { isRunning } from '../../puppet/status.ts'
import { type Inquiry, inquire, NoAnswer } from './inquiry.ts'

/** A probe that was no good. */
export interface BadProbe {
  readonly healthy: false
  readonly cause: string
  /** The master took the connection and did not answer in time, as one does that is busy. */
  readonly isSlow: boolean
  /** It was never asked, for want of something of our own; that says nothing about the master. */
  readonly isOwnFault: boolean
}

export type ProbeResult = { readonly healthy: true } | BadProbe

/** Asks one master once whether it runs. Never rejects: what goes wrong is an unhealthy result with its cause. */
export async function probe(inquiry: Inquiry): Promise<ProbeResult> {
  try {
    const { status, body } = await inquire(inquiry)
    if (isRunning(status, body, inquiry.path)) return { healthy: true }
    return { healthy: false, cause: `answered ${status}`, isSlow: false, isOwnFault: false }
  } catch (error) {
    if (!(error instanceof NoAnswer))
      return { healthy: false, cause: String(error), isSlow: false, isOwnFault: false }
    const { message: cause, isSlow, isOwnFault } = error
    return { healthy: false, cause, isSlow, isOwnFault }
  }
}
