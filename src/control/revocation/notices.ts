import type { Logger } from 'pino'
import type { EventLog } from '../../model/event.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { WhenExpired } from '../../model/settings.ts'
import type { AuthorityList } from '../../pki/crl.ts'
import type { CrlError, RefusalReason } from '../../pki/crl-error.ts'
import type { SizeChange } from '../../pki/succession.ts'

/** What operators are told of revocation lists: each thing once, until it changes. A source is a file, or a URL of the CA. */
export interface RevocationNotices {
  readonly refused: (source: string, refusal: CrlError) => void
  /** It is good again: the next refusal is told, even if it is the same. */
  readonly accepted: (source: string) => void
  readonly resized: (source: string, changes: readonly SizeChange[]) => void
  /** Sentences about CAs that have no list. */
  readonly missing: (sentences: readonly string[]) => void
  /** Tells of those that are past their nextUpdate. */
  readonly late: (lists: readonly AuthorityList[], expired: WhenExpired) => void
  readonly onRefusal: (listener: (reason: RefusalReason) => void) => void
}

/** Where operators are told, and what of. */
export interface NoticeDeps {
  readonly runtime: Pick<Runtime, 'wallClock'>
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
  /** Whether any list is in force. */
  readonly isInForce: () => boolean
}

export function createRevocationNotices({ runtime, log, events, isInForce }: NoticeDeps): RevocationNotices {
  const listeners: ((reason: RefusalReason) => void)[] = []
  const lastRefusals = new Map<string, string>()
  let lastMissing = ''
  let lastLate = ''

  return {
    refused(source, { message: cause, problems }) {
      if (lastRefusals.get(source) === cause) return
      lastRefusals.set(source, cause)
      const reasons = [...new Set(problems.map(({ reason }) => reason))]
      const effect = isInForce() ? 'the last one stays in force' : 'there is none, so agents are refused'
      const what = `certificate revocation list is unusable; ${effect}`
      log.warn({ source, cause, reasons, ...(reasons.includes('infrastructure') && { remedy }) }, what)
      events.add({ kind: 'crl', text: `the revocation lists of ${source} are refused: it ${cause}` })
      for (const reason of reasons) for (const listener of listeners) listener(reason)
    },

    accepted(source) {
      lastRefusals.delete(source)
    },

    resized(source, changes) {
      for (const { issuer, before, after } of changes) {
        if (after < before) log.warn({ source, ca: issuer, before, after }, shrunk)
        const named = after === 1 ? '1 certificate' : `${after} certificates`
        const text = `the revocation list of ${issuer} names ${named} in place of ${before}`
        events.add({ kind: 'crl', text })
      }
    },

    missing(sentences) {
      const all = sentences.join('\n')
      if (all !== lastMissing) for (const sentence of sentences) log.warn(sentence)
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

const shrunk =
  'certificate revocation list names fewer certificates than the one before it; those left out are served again'

/** What to do about an infrastructure list. */
export const remedy =
  'ship ca_crl.pem of the CA to tls.crl.file, as DEPLOY.md says under "The full list", or set enable-infra-crl to false'
