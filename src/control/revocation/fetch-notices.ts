import type { AuthorityList } from '../../pki/crl.ts'
import type { CrlError } from '../../pki/crl-error.ts'
import { type FetchFault, NoLists } from './ca-question.ts'
import { type NoticeDeps, remedy } from './notices.ts'

/** What is known of the CA as a source of lists. */
export interface FetchState {
  /** When it last gave lists that were taken, or said that it has no others. Milliseconds since 1970. */
  readonly answeredAtMs: number | undefined
  /** Why the last question came to nothing, a clause about the CA; `undefined` when it did not. */
  readonly problem: string | undefined
  /** Questions without lists since the start, by what kept the CA from giving them. */
  readonly failures: ReadonlyMap<FetchFault, number>
}

/** Keeps what came of asking the CA, and tells operators of it: each thing once, until the CA has answered well. */
export interface FetchNotices {
  readonly answered: () => void
  /** `error`: a NoLists, or a CrlError, of which more is told elsewhere. */
  readonly failed: (url: string, error: Error) => void
  /** They cannot be kept over a restart; `undefined`: they can. */
  readonly notKept: (directory: string, fault: string | undefined) => void
  /** What was kept is no good. */
  readonly keptRefused: (file: string, refusal: CrlError) => void
  /** Lists that may be those of infrastructure nodes. */
  readonly doubtful: (lists: readonly AuthorityList[]) => void
  readonly state: () => FetchState
}

export function createFetchNotices({ runtime, log, events, isInForce }: NoticeDeps): FetchNotices {
  const failures = new Map<FetchFault, number>()
  const told = new Set<string>()
  const doubted = new Set<string>()
  let answeredAtMs: number | undefined
  let problem: string | undefined
  let lastFault: string | undefined

  return {
    answered() {
      if (told.size > 0) log.info('certificate revocation list can be fetched again')
      told.clear()
      answeredAtMs = runtime.wallClock()
      problem = undefined
    },

    failed(url, error) {
      if (!(error instanceof NoLists)) {
        problem = `its answer ${error.message}`
        return
      }
      problem = error.message
      failures.set(error.kind, (failures.get(error.kind) ?? 0) + 1)
      // Two faults that take turns are told once each.
      if (told.has(problem)) return
      told.add(problem)
      const effect = isInForce() ? 'the last one stays in force' : 'until there is one, agents are refused'
      const isShort = error.kind === 'infrastructure'
      log.warn(
        { source: url, cause: problem, ...(isShort && { remedy }) },
        `certificate revocation list cannot be fetched; ${effect}`
      )
      events.add({ kind: 'crl', text: `the CA gives no revocation list to go by: ${problem}; ${effect}` })
    },

    notKept(directory, fault) {
      if (fault !== undefined && fault !== lastFault) {
        const text = 'certificate revocation list cannot be kept, so a restart waits for the CA'
        log.warn({ directory, cause: fault }, text)
        events.add({ kind: 'crl', text: `${text}: ${directory} (${fault})` })
      }
      lastFault = fault
    },

    keptRefused(file, { message: cause }) {
      log.warn(
        { source: file, cause },
        'certificate revocation list that was kept is unusable; the CA is asked'
      )
    },

    doubtful(lists) {
      for (const { issuer, digest, thisUpdateMs } of lists) {
        if (doubted.has(digest)) continue
        doubted.add(digest)
        log.warn(
          { ca: issuer, since: new Date(thisUpdateMs).toISOString(), remedy },
          'certificate revocation list names nobody and has never changed: if anything was revoked since, it is the ' +
            'infrastructure list (enable-infra-crl), and revoked agents are served'
        )
      }
    },

    state: () => ({ answeredAtMs, problem, failures })
  }
}
