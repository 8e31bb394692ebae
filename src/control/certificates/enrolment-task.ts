import type { EnrollSettings } from '../../model/enrolment.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { CaReach } from './ca-client.ts'
import type { OwnFiles } from './own-files.ts'

/** Who wants a certificate, of whom, and where it is kept. */
export interface EnrolmentTask {
  readonly settings: EnrollSettings
  /** How the CA is reached; its `ca` is for a CA whose server has a certificate of somebody else. */
  readonly reach: CaReach & { readonly verify: boolean }
  readonly files: OwnFiles
}

export interface EnrolmentTools {
  readonly runtime: Runtime
  /** Told what happens, a sentence each. */
  readonly say: (sentence: string) => void
  /** How long the signature is waited for; Infinity for ever. */
  readonly waitMs: number
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined
}

/** How the CA is asked once its bundle is known. */
export function verifiedReach({ reach, files }: EnrolmentTask, bundle: string): CaReach {
  if (!reach.verify) return { ...reach, ca: undefined }
  return reach.ca === undefined ? { ...reach, ca: bundle, caFrom: files.pathOf('ca') } : reach
}
