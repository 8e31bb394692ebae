import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { RevokedSet } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import { type Authority, authoritiesOf } from '../pki/authorities.ts'
import { revocationKey } from '../pki/revocation.ts'
import { PemConverter, X509Certificate, X509Crl } from '../pki/x509.ts'

/** What the CRLs of a file say, each checked against the CA that signed it. */
export interface Revocations {
  readonly revoked: RevokedSet
  /** Milliseconds since 1970: when the oldest of them was issued, and the first moment one is out of date. */
  readonly thisUpdateMs: number
  readonly nextUpdateMs: number | undefined
  /** Which CAs have a list, by their `keyId`. */
  readonly signers: ReadonlySet<string>
}

/**
 * Reads a PEM bundle of CRLs. Throws an Error, with a sentence for the operator, for a file that holds none or
 * one that no CA of the bundle signed. A CRL past its nextUpdate still counts: an old list is better than none,
 * and refusing every agent for it would be an outage; `crl_next_update_timestamp_seconds` tells of it in time.
 */
export async function parseRevocations(pem: string, authorities: readonly Authority[]): Promise<Revocations> {
  const lists = PemConverter.decodeWithHeaders(pem)
    .filter(block => block.type === 'X509 CRL')
    .map(block => new X509Crl(block.rawData))
  if (lists.length === 0) throw new Error('holds no PEM block "X509 CRL"')
  // The decoder passes over a block that is cut short or damaged, and with it over all it revokes.
  const begun = pem.split('-----BEGIN X509 CRL-----').length - 1
  if (lists.length !== begun) throw new Error(`${begun - lists.length} of ${begun} lists are damaged`)
  const revoked = new Set<string>()
  const signers = new Set<string>()
  for (const list of lists) {
    const signer = await signerOf(list, authorities)
    if (!signer) throw new Error(`the CRL of "${list.issuer}" is not signed by any CA of tls.ca`)
    signers.add(signer.keyId)
    for (const entry of list.entries) revoked.add(revocationKey(signer.keyId, entry.serialNumber))
  }
  const nextUpdates = lists.flatMap(list => (list.nextUpdate ? [list.nextUpdate.getTime()] : []))
  return {
    revoked,
    signers,
    thisUpdateMs: Math.min(...lists.map(list => list.thisUpdate.getTime())),
    nextUpdateMs: nextUpdates.length > 0 ? Math.min(...nextUpdates) : undefined
  }
}

async function signerOf(list: X509Crl, authorities: readonly Authority[]): Promise<Authority | undefined> {
  for (const authority of authorities) {
    const { publicKey } = new X509Certificate(authority.certificate.raw)
    // A key of another kind than the signature's makes verify throw; that CA is simply not the signer.
    if (await list.verify({ publicKey }).catch(() => false)) return authority
  }
  return undefined
}

/** A list that a new file leaves out would free everybody it named, and no CA ever takes one back. */
async function successorOf(
  current: Revocations,
  pem: string,
  authorities: readonly Authority[]
): Promise<Revocations> {
  const next = await parseRevocations(pem, authorities)
  const missing = authorities.find(({ keyId }) => current.signers.has(keyId) && !next.signers.has(keyId))
  if (missing) throw new Error(`the CRL of "${missing.certificate.subject}" is missing`)
  return next
}

export interface RevocationWatch {
  readonly current: () => Revocations | undefined
  readonly stop: () => void
}

/**
 * Reads the CRL file now and again every `refreshMs`, and publishes each change. Rejects when the first reading
 * fails; later a bad file is logged and the last good list stays in force.
 */
export async function watchRevocations(options: {
  readonly crl: { readonly file: string; readonly refreshMs: number } | undefined
  readonly caBundle: string
  readonly runtime: Runtime
  readonly log: Logger
  readonly publish: (revoked: RevokedSet) => void
}): Promise<RevocationWatch> {
  const { crl, runtime, log } = options
  if (!crl) return { current: () => undefined, stop() {} }
  const { file, refreshMs } = crl
  const authorities = authoritiesOf(options.caBundle)
  let text = await readFile(file, 'utf8')
  let current = await parseRevocations(text, authorities)
  let stopped = false
  let cancel = () => {}

  async function refresh(): Promise<void> {
    try {
      const newText = await readFile(file, 'utf8')
      if (newText !== text) {
        current = await successorOf(current, newText, authorities)
        text = newText
        log.info({ file, revoked: current.revoked.size }, 'certificate revocation list is read again')
        if (!stopped) options.publish(current.revoked)
      }
    } catch (error) {
      log.error(
        { file, cause: String(error) },
        'certificate revocation list is unusable; the last one stays in force'
      )
    }
    if (!stopped) cancel = runtime.schedule(refreshMs, () => void refresh())
  }

  cancel = runtime.schedule(refreshMs, () => void refresh())
  return {
    current: () => current,
    stop() {
      stopped = true
      cancel()
    }
  }
}
