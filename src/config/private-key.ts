import { createPrivateKey, type KeyObject } from 'node:crypto'
import { formatPem, type PemBlock, readPem } from '../pki/pem.ts'
import type { NamedFile } from './files.ts'
import type { Report } from './problems.ts'

/** A private key; `pem` is the one block of its file that holds it. */
export interface PrivateKey {
  readonly object: KeyObject
  readonly pem: string
}

/** The private key of a PEM file; `undefined` when there is none to use, which has been reported without its content. */
export function readPrivateKey(from: NamedFile, report: Report): PrivateKey | undefined {
  const { blocks, damage } = readPem(from.text, label => /(^| )PRIVATE KEY$/.test(label))
  const [block] = blocks
  if (damage.length > 0) {
    report(from.path, `names ${from.file}, which holds ${damage.join(' and ')}; must be a PEM private key`)
    return undefined
  }
  if (!block) {
    const text = `names ${from.file}, which holds no PEM block "PRIVATE KEY"; must be a PEM private key`
    report(from.path, text)
    return undefined
  }
  if (isEncrypted(block)) {
    report(
      from.path,
      `names ${from.file}, a key encrypted with a passphrase, which nobody is there to type; must be a key that ` +
        'is not encrypted (openssl pkey -in ENCRYPTED -out PLAIN makes one)'
    )
    return undefined
  }
  try {
    const pem = formatPem(block.label, block.der)
    return { object: createPrivateKey(pem), pem }
  } catch {
    // OpenSSL's message is left out: nothing of a key may get into a log.
    report(from.path, `names ${from.file}, in which the private key is damaged; must be a PEM private key`)
    return undefined
  }
}

function isEncrypted({ label, headers }: PemBlock): boolean {
  return label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type:.*ENCRYPTED/m.test(headers)
}
