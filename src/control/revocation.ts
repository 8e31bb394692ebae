import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { RevokedSet } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import type { TlsSettings } from '../model/settings.ts'
import { type Authority, authoritiesOf } from '../pki/authorities.ts'
import { type Revocations, readRevocations } from '../pki/crl.ts'

/** What `prepare` found fit to be put in force; only for `adopt`. */
export interface PreparedRevocations {
  readonly revocations: Revocations | undefined
  readonly source: Source | undefined
  /** What was in force when it was prepared. */
  readonly basis: Reading | undefined
}

export interface RevocationWatch {
  /** Reads the lists that new settings name. Throws an Error with a sentence when they cannot be used. */
  readonly prepare: (tls: Pick<TlsSettings, 'ca' | 'crl'>) => PreparedRevocations
  /**
   * Puts them in force and watches their file from now on. Publishes nothing: the CA they belong to has to be
   * published in the same breath, and what to publish is `current()`.
   */
  readonly adopt: (prepared: PreparedRevocations) => void
  /** `undefined` when no list is configured. */
  readonly current: () => Revocations | undefined
  readonly stop: () => void
}

/** A file to watch, with whose lists it may hold. */
interface Source {
  readonly file: string
  readonly refreshMs: number
  readonly caBundle: string
  readonly authorities: readonly Authority[]
  readonly reading: Reading
}

interface Reading {
  readonly text: string
  readonly revocations: Revocations
}

/**
 * Reads the CRL file again every `refreshMs` and publishes each change. A bad file is logged and the last good list
 * stays in force. Watches nothing until the first `adopt`.
 */
export function createRevocationWatch(options: {
  readonly runtime: Runtime
  readonly log: Logger
  readonly publish: (revoked: RevokedSet) => void
}): RevocationWatch {
  const { runtime, log, publish } = options
  let source: Source | undefined
  let isReading = false
  let cancel = () => {}

  function wait(): void {
    cancel()
    cancel = source ? runtime.schedule(source.refreshMs, () => void refresh()) : () => {}
  }

  async function refresh(): Promise<void> {
    const from = source
    if (!from) return
    isReading = true
    try {
      const text = await readFile(from.file, 'utf8')
      // What was adopted or stopped meanwhile has the last word.
      if (from === source && text !== from.reading.text) take(from, text)
    } catch (error) {
      const { message } = error as Error
      const sentence = 'certificate revocation list is unusable; the last one stays in force'
      if (from === source) log.error({ file: from.file, cause: message }, sentence)
    }
    isReading = false
    wait()
  }

  function take(from: Source, text: string): void {
    const revocations = successorOf(from.reading.revocations, text, from.authorities)
    source = { ...from, reading: { text, revocations } }
    log.info(
      { file: from.file, revoked: revocations.revoked.size },
      'certificate revocation list is read again'
    )
    publish(revocations.revoked)
  }

  return {
    prepare({ crl, ca }) {
      const basis = source?.reading
      if (!crl) return { revocations: undefined, source: undefined, basis }
      const authorities = authoritiesOf(ca)
      const reading = readNow(crl.file, basis, authorities)
      const { revocations } = reading
      return { revocations, source: { ...crl, caBundle: ca, authorities, reading }, basis }
    },

    adopt({ source: next, basis }) {
      const before = source
      // A reading made since then is newer, when it is of the same file for the same CA.
      const isOvertaken =
        before?.reading !== basis && before?.file === next?.file && before?.caBundle === next?.caBundle
      source = next && before && isOvertaken ? { ...next, reading: before.reading } : next
      // A reading under way waits when it ends; a wait that goes on being right must not begin anew each time.
      if (!isReading && before?.refreshMs !== next?.refreshMs) wait()
    },

    current: () => source?.reading.revocations,

    stop() {
      source = undefined
      cancel()
    }
  }
}

function readNow(file: string, basis: Reading | undefined, authorities: readonly Authority[]): Reading {
  try {
    const text = readFileSync(file, 'utf8')
    return { text, revocations: successorOf(basis?.revocations, text, authorities) }
  } catch (error) {
    throw new Error(`tls.crl.file: ${file} cannot be used: ${(error as Error).message}`, { cause: error })
  }
}

/** A list that a new file leaves out would free everybody it named, and no CA ever takes one back. */
function successorOf(
  current: Revocations | undefined,
  text: string,
  authorities: readonly Authority[]
): Revocations {
  const next = readRevocations(text, authorities)
  const missing = authorities.find(({ keyId }) => current?.signers.has(keyId) && !next.signers.has(keyId))
  if (missing) throw new Error(`lacks the list of "${missing.certificate.subject}"`)
  return next
}
