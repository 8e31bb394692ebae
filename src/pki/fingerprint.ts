import { createHash } from 'node:crypto'

/**
 * A SHA-256 fingerprint as `AB:CD:…`, of what a person copied from `openssl x509 -fingerprint -sha256`, from
 * `puppet ssl show`, or wrote without colons. `undefined` for anything else.
 */
export function readFingerprint(written: string): string | undefined {
  const digits = written
    .replace(/^\s*\(?sha-?256\)?(?:\s*fingerprint)?\s*=?/i, '')
    .replace(/[:\s]/g, '')
    .toUpperCase()
  return /^[0-9A-F]{64}$/.test(digits) ? inPairs(digits) : undefined
}

/** The SHA-256 of some bytes as `AB:CD:…`, which is how Puppet and OpenSSL print it. */
export function fingerprintOf(bytes: Buffer | string): string {
  return inPairs(createHash('sha256').update(bytes).digest('hex').toUpperCase())
}

function inPairs(digits: string): string {
  return (digits.match(/../g) ?? []).join(':')
}
