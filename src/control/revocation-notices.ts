import type { Logger } from 'pino'
import type { EventLog } from '../model/event.ts'
import type { Runtime } from '../model/runtime.ts'
import type { WhenExpired } from '../model/settings.ts'
import type { AuthorityList } from '../pki/crl.ts'
import type { CrlError, RefusalReason } from '../pki/crl-error.ts'
import type { Shrinkage } from '../pki/succession.ts'

/** What operators are told of revocation lists: each thing once, until it changes. */
export interface RevocationNotices {
  readonly refused: (file: string, refusal: CrlError) => void
  /** The file is good again: the next refusal is told, even if it is the same. */
  readonly accepted: () => void
  readonly shrunk: (file: string, shrinkages: readonly Shrinkage[]) => void
  /** Sentences about CAs that have no list. */
  readonly missing: (sentences: readonly string[]) => void
  /** Tells of those that are past their nextUpdate. */
  readonly late: (lists: readonly AuthorityList[], expired: WhenExpired) => void
  readonly onRefusal: (listener: (reason: RefusalReason) => void) => void
}

export function createRevocationNotices({
  runtime,
  log,
  events
}: {
  readonly runtime: Pick<Runtime, 'wallClock'>
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
}): RevocationNotices {
  const listeners: ((reason: RefusalReason) => void)[] = []
  let lastRefusal: string | undefined
  let lastMissing = ''
  let lastLate = ''

  return {
    refused(file, { message: cause, problems }) {
      if (lastRefusal === `${file} ${cause}`) return
      lastRefusal = `${file} ${cause}`
      const reasons = [...new Set(problems.map(({ reason }) => reason))]
      log.warn(
        { file, cause, reasons },
        'certificate revocation list is unusable; the last one stays in force'
      )
      events.add({ kind: 'crl', text: `the revocation lists of ${file} are refused: it ${cause}` })
      for (const reason of reasons) for (const listener of listeners) listener(reason)
    },

    accepted() {
      lastRefusal = undefined
    },

    shrunk(file, shrinkages) {
      for (const { issuer, before, after } of shrinkages) {
        log.warn(
          { file, ca: issuer, before, after },
          'certificate revocation list names fewer certificates than the one before it; those left out are served again'
        )
        const text = `the revocation list of ${issuer} names ${after} certificates in place of ${before}`
        events.add({ kind: 'crl', text })
      }
    },

    missing(sentences) {
      const all = sentences.join('\n')
      if (all !== lastMissing) for (const sentence of sentences) log.warn(`tls.crl.file: ${sentence}`)
      lastMissing = all
    },

    late(lists, expired) {
      const nowMs = runtime.wallClock()
      const late = lists.filter(({ nextUpdateMs }) => nextUpdateMs !== undefined && nextUpdateMs < nowMs)
      const all = [expired, ...late.map(({ digest }) => digest)].join(' ')
      if (all !== lastLate) for (const { issuer, nextUpdateMs } of late) tell(issuer, nextUpdateMs ?? 0)
      lastLate = all

      function tell(issuer: string, nextUpdateMs: number): void {
        const since = new Date(nextUpdateMs).toISOString()
        const effect = expired === 'keep' ? 'it still counts' : 'agents of its CA are refused'
        log.warn({ ca: issuer, since }, `certificate revocation list is out of date; ${effect}`)
        events.add({
          kind: 'crl',
          text: `the revocation list of ${issuer} is out of date since ${since}; ${effect}`
        })
      }
    },

    onRefusal: listener => void listeners.push(listener)
  }
}
