import { openingLogFile } from '../config/log-file.ts'
import type { Settings } from '../model/settings.ts'
import type { LogOutput } from '../telemetry/log-output.ts'
import type { CertificateCare } from './certificate-care.ts'
import type { MemberControl } from './member-control.ts'
import type { PreparedReload } from './reload.ts'
import type { RevocationWatch } from './revocation/watch.ts'
import type { Sources } from './sources/sources.ts'

/** Who is not found by then is no hindrance to those who are: a reload goes on without. */
const LOOKUP_TIMEOUT_MS = 5_000

export interface PreparationDeps extends Pick<MemberControl, 'members' | 'apply'> {
  readonly sources: Sources
  readonly revocations: RevocationWatch
  readonly certificates: Pick<CertificateCare, 'reconsider'>
  readonly logOutput: Pick<LogOutput, 'prepare'>
  /** The settings are in force, and `remarks` said of them. */
  readonly adopted: (settings: Settings, remarks: readonly string[]) => void
}

/**
 * Opens, looks up, reads and probes what new settings name; nothing that serves has changed before `commit`. Rejects with
 * what is wrong, and then all is as it was.
 */
export async function prepareSettings(
  next: Settings,
  { sources, revocations, certificates, members, apply, logOutput, adopted }: PreparationDeps
): Promise<PreparedReload> {
  const logFile = next.log.file
  const output = openingLogFile(logFile, () => logOutput.prepare(logFile?.path))
  const found = await sources.prepare(next, LOOKUP_TIMEOUT_MS)
  const { masters, ca } = found.named
  const give = (error: unknown): never => {
    output.cancel()
    found.cancel()
    throw error
  }
  const lists = await revocations.prepare(next.tls, { ca, upstream: next.upstream }).catch(give)
  const change = await members.prepare({ masters, ca }).catch(give)
  return {
    changed: lists.changed,
    async commit() {
      adopted(next, [...change.remarks, ...found.named.remarks])
      output.commit()
      revocations.adopt(lists)
      found.commit()
      await apply(change, () => ({ settings: next, revoked: revocations.revoked() }))
      void certificates.reconsider()
    }
  }
}
