import { derChildren, derElement, derSequence, derTag } from '../../src/pki/der.ts'
import { formatPem, readPemOf } from '../../src/pki/pem.ts'

/**
 * A revocation list of one entry made into another one: with `count` entries of the serials 1 and up, which the
 * library would take minutes to make, or with another algorithm; signed anew.
 */
export function rewrittenList(
  oneEntry: string,
  options: {
    readonly count?: number
    /** An AlgorithmIdentifier in DER. */
    readonly algorithm?: Buffer
    readonly sign: (signed: Buffer) => Buffer
  }
): string {
  const [block] = readPemOf(oneEntry, 'X509 CRL').blocks
  if (!block) throw new Error('no list')
  const [tbs, given] = children(block.der)
  const algorithm = options.algorithm ?? given
  if (!tbs || !algorithm) throw new Error('no list')
  const parts = children(tbs)
  const isSequence = (part: Buffer) => part[0] === derTag.sequence
  const entriesAt = parts.findLastIndex(isSequence)
  const entries = options.count === undefined ? parts[entriesAt] : multiplied(parts[entriesAt], options.count)
  if (!entries) throw new Error('no entries')
  const signed = derSequence(parts.with(entriesAt, entries).with(parts.findIndex(isSequence), algorithm))
  const signature = options.sign(signed)
  const bits = Buffer.concat([Buffer.of(0), signature])
  return formatPem('X509 CRL', derSequence([signed, algorithm, element(derTag.bitString, bits)]))
}

function multiplied(entries: Buffer | undefined, count: number): Buffer {
  const [, ...afterSerial] = children(entries && children(entries)[0])
  return derSequence(
    Array.from({ length: count }, (_, index) => {
      const serial = Buffer.alloc(5)
      serial.writeUInt32BE(index + 1, 1)
      return derSequence([element(derTag.integer, serial), ...afterSerial])
    })
  )
}

function children(of: Buffer | undefined): Buffer[] {
  if (!of) throw new Error('no element')
  return Array.from(derChildren(of, derElement(of, 0)), ({ start, end }) => of.subarray(start, end))
}

/** An element of any tag and up to 65,535 bytes. */
function element(tag: number, content: Buffer): Buffer {
  const header = Buffer.from([tag, 0x82, 0, 0])
  header.writeUInt16BE(content.length, 2)
  return Buffer.concat([header, content])
}
