import { isRunning } from '../../puppet/status.ts'
import { type Inquiry, inquire, NoAnswer } from './inquiry.ts'

/** `isSlow`: the master took the connection and did not answer in time, as one does that is busy. */
export type ProbeResult =
  | { readonly healthy: true }
  | { readonly healthy: false; readonly cause: string; readonly isSlow: boolean }

/** Asks one master once whether it runs. Never rejects: what goes wrong is an unhealthy result with its cause. */
export async function probe(inquiry: Inquiry): Promise<ProbeResult> {
  try {
    const { status, body } = await inquire(inquiry)
    if (isRunning(status, body, inquiry.path)) return { healthy: true }
    return { healthy: false, cause: `answered ${status}`, isSlow: false }
  } catch (error) {
    if (error instanceof NoAnswer) return { healthy: false, cause: error.message, isSlow: error.isSlow }
    return { healthy: false, cause: String(error), isSlow: false }
  }
}
