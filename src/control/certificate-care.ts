import type { Logger } from 'pino'
import type { CaDocuments } from '../model/ca-documents.ts'
import type { EventLog } from '../model/event.ts'
import type { Publication } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Settings } from '../model/settings.ts'
import { within } from '../model/within.ts'
import { createCaDocuments } from './ca-documents/ca-documents.ts'
import { createVisits } from './ca-documents/fetch-document.ts'
import { judgeAside } from './ca-documents/judge.ts'
import { createKeptDocuments } from './ca-documents/kept-documents.ts'
import { type CertificateEnd, certificateEndsOf } from './certificate-ends.ts'
import { createOwnCertificate, type OwnCertificate } from './certificates/own-certificate.ts'
import { createExpiryNotices } from './expiry-notices.ts'
import type { PresentedCertificates } from './presented-certificates.ts'
import { readInThread, readStream } from './revocation/reader.ts'
import { createRevocationWatch, type RevocationWatch } from './revocation/watch.ts'
import type { Roster } from './roster.ts'

/** A start waits so long for copies of the CA's documents, beside what else it waits for. */
const START_TIMEOUT_MS = 2_000

export interface CertificateCareOptions {
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
  readonly roster: Pick<Roster, 'current'>
  readonly settings: () => Settings
  readonly presented: Pick<PresentedCertificates, 'of'>
  readonly publish: (part: Pick<Publication, 'revoked' | 'caDocuments'>) => void
  /** Called when the file of our own certificate has a new one, and nobody watches it. */
  readonly renewed: () => void
}

/**
 * Looks after what ends or goes away by itself: revocation lists, copies of the CA's documents, ends of certificates, and
 * our own certificate.
 */
export interface CertificateCare {
  readonly revocations: RevocationWatch
  readonly caDocuments: () => CaDocuments
  readonly ends: () => readonly CertificateEnd[]
  /** The CA has given somebody one of its documents. */
  readonly documentWasRead: () => void
  /** Asks the CA for the first time; resolves when it has been asked, or has not answered for a while. */
  readonly visitCa: () => Promise<void>
  /** How it stands with the certificate that agents see. */
  readonly ownStanding: OwnCertificate['standing']
  /** Masters have been probed: what ends soon is told from now on, and what is ours renewed. */
  readonly watch: () => void
  /** There are new settings. Not to be waited for: the CA may be about to answer. */
  readonly reconsider: () => Promise<void>
  /** Resolves when what is to be kept over a restart is kept. */
  readonly stop: () => Promise<void>
}

/**
 * Composition of its parts, no rules. Resolves when the revocation lists, and what was kept over a restart, are read; rejects
 * with a ConfigError when the lists cannot be used.
 */
export async function createCertificateCare(options: CertificateCareOptions): Promise<CertificateCare> {
  const { runtime, log, events, roster, settings, presented, publish } = options
  const revocations = createRevocationWatch({
    ...{ runtime, log, events },
    publish(revoked) {
      publish({ revoked })
      own.review()
    },
    readFile: readInThread,
    openStream: readStream,
    from: () => ({ ca: roster.current().ca, upstream: settings().upstream })
  })
  revocations.adopt(await revocations.prepare(settings().tls))
  const copies = createCaDocuments({
    ...options,
    ca: () => roster.current().ca,
    publish: caDocuments => publish({ caDocuments }),
    visit: createVisits(runtime),
    judge: judgeAside,
    kept: createKeptDocuments(log)
  })
  const ends = () => {
    const { masters, ca } = roster.current()
    return certificateEndsOf(settings(), {
      presented: presented.of([...masters, ca]),
      crl: revocations.current()
    })
  }
  const notices = createExpiryNotices({ ...options, ends })
  const own = createOwnCertificate({
    ...options,
    revoked: revocations.revoked,
    caAddresses: () => roster.current().ca.addresses,
    renewed() {
      if (settings().reload === 'signal') options.renewed()
    }
  })
  await copies.restore()
  return {
    revocations,
    caDocuments: copies.current,
    ends,
    documentWasRead: copies.wasRead,
    visitCa: () => within(START_TIMEOUT_MS, copies.start(), runtime),
    ownStanding: own.standing,
    watch() {
      notices.start()
      own.start()
    },
    async reconsider() {
      own.review()
      await copies.reconsider()
      notices.look()
    },
    stop() {
      copies.stop()
      notices.stop()
      own.stop()
      return revocations.stop()
    }
  }
}
