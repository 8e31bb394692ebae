import type { ListProblem } from './crl-error.ts'
import { type DerElement, derChildren, derElement, derTag } from './der.ts'

/** One extension of a revocation list; `value` is the DER inside its OCTET STRING. */
export interface ListExtension {
  readonly type: string
  readonly critical: boolean
  readonly value: Buffer
}

/** RFC 5280, 5.2. */
const crlNumber = '2.5.29.20'
const deltaIndicator = '2.5.29.27'
const issuingDistributionPoint = '2.5.29.28'
const known = new Set([
  crlNumber,
  deltaIndicator,
  issuingDistributionPoint,
  '2.5.29.18', // issuer alternative name
  '2.5.29.35', // authority key identifier
  '2.5.29.46', // where its deltas are
  '1.3.6.1.5.5.7.1.1' // where its issuer's certificate is
])

/** RFC 5280 allows 20 bytes. More than this would only be slow to print. */
const MAX_NUMBER_BYTES = 64

/** Why a list with these extensions says less than it seems to, to go after "holds". */
export function scopeProblem(extensions: readonly ListExtension[]): ListProblem | undefined {
  const find = (type: string) => extensions.find(extension => extension.type === type)
  if (find(deltaIndicator)) {
    return { reason: 'delta', text: 'a delta list, which names only what has changed' }
  }
  const point = find(issuingDistributionPoint)
  const limit = point && limitOf(point.value)
  if (limit) return limit
  const strange = extensions.find(({ type, critical }) => critical && !known.has(type))
  if (!strange) return undefined
  const text = `a list with the critical extension ${strange.type}, which is not known here`
  return { reason: 'critical-extension', text }
}

/** The CRL number, of any length. Throws a RangeError for one that is none. */
export function listNumber(extensions: readonly ListExtension[]): bigint | undefined {
  const value = extensions.find(({ type }) => type === crlNumber)?.value
  if (!value) return undefined
  const { tag, contentStart, end } = derElement(value, 0)
  const length = end - contentStart
  if (tag !== derTag.integer || length === 0 || length > MAX_NUMBER_BYTES || end !== value.length) {
    throw new RangeError('a CRL number that is none')
  }
  return BigInt.asIntN(8 * length, BigInt(`0x${value.toString('hex', contentStart, end)}`))
}

/**
 * IssuingDistributionPoint, RFC 5280, 5.2.5: [0] a point, [1] users only, [2] CAs only, [3] some reasons, [4] indirect,
 * [5] attribute certificates only. A point limits too: a list with one is for certificates that name the same point,
 * and Puppet's name none.
 */
function limitOf(value: Buffer): ListProblem | undefined {
  for (const { tag, contentStart } of derChildren(value, derElement(value, 0))) {
    const number = tag & 0x1f
    const isFlag = number !== 0 && number !== 3
    if (isFlag && value[contentStart] === 0) continue
    if (number === 4) return indirect
    return {
      reason: 'partial',
      text: 'a partial list: its issuing distribution point leaves certificates out'
    }
  }
  return undefined
}

const indirect: ListProblem = {
  reason: 'indirect',
  text: 'an indirect list, which names certificates of other CAs'
}

/** RFC 5280, 5.3, as DER: reason code, hold instruction, invalidity date, certificate issuer. */
const entryExtensions = ['551d15', '551d17', '551d18', '551d1d'].map(hex => Buffer.from(hex, 'hex'))
const certificateIssuer = entryExtensions.at(-1) as Buffer

/** What an extension of an entry does to the whole list, to go after "holds". Throws a RangeError for a damaged one. */
export function entryProblem(list: Buffer, extensions: DerElement): ListProblem | undefined {
  for (const extension of derChildren(list, extensions)) {
    const type = derElement(list, extension.contentStart)
    const next = derElement(list, type.end)
    const isCritical = next.tag === derTag.boolean && list[next.contentStart] !== 0
    const value = next.tag === derTag.boolean ? derElement(list, next.end) : next
    if (type.tag !== derTag.objectIdentifier || value.tag !== derTag.octetString)
      throw new RangeError('no type')
    if (value.end !== extension.end) throw new RangeError('bytes behind an extension')
    const isType = (known: Buffer) => known.compare(list, type.contentStart, type.end) === 0
    if (isType(certificateIssuer)) return indirect
    if (isCritical && !entryExtensions.some(isType)) {
      const text = 'a list with an entry whose critical extension is not known here'
      return { reason: 'critical-extension', text }
    }
  }
  return undefined
}
