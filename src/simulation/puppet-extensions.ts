import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate
} from '../pki/x509.ts'
import { isPuppetOid, nameOfOid, oidOf } from '../puppet/trusted-extensions.ts'

/** Trusted facts by Puppet's short name (`pp_role`) or by dotted OID. */
export type TrustedExtensions = Readonly<Record<string, string>>

const nsComment = '2.16.840.1.113730.1.13'
const utf8String = 0x0c
const ia5String = 0x16

/** What Puppet Server puts into every certificate it signs, beside names and key identifiers. */
export function leafExtensions(): readonly Extension[] {
  const usage = KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment
  return [
    new Extension(nsComment, false, derString(ia5String, 'Puppet Server Internal Certificate')),
    new BasicConstraintsExtension(false, undefined, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth], true),
    new KeyUsagesExtension(usage, true)
  ]
}

/** Trusted facts as extensions of a certificate or a request; throws for a name Puppet does not know. */
export function trustedExtensions(facts: TrustedExtensions): readonly Extension[] {
  return Object.entries(facts).map(([name, value]) => {
    const oid = oidOf(name) ?? name
    if (!isPuppetOid(oid)) throw new Error(`${name} is neither a Puppet extension nor an OID of Puppet's arc`)
    return new Extension(oid, false, derString(utf8String, value))
  })
}

/** The trusted facts a certificate (PEM) carries, as a master shows them in `trusted.extensions`. */
export function readTrustedExtensions(certificate: string): TrustedExtensions {
  const known = new X509Certificate(certificate).extensions.filter(extension => isPuppetOid(extension.type))
  const pairs = known.map(({ type, value }) => [nameOfOid(type) ?? type, stringOf(value)])
  return Object.fromEntries(pairs)
}

function derString(tag: number, text: string): Buffer {
  const content = Buffer.from(text)
  if (content.length < 128) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length = [content.length >> 8, content.length & 0xff]
  return Buffer.concat([Buffer.from([tag, 0x82, ...length]), content])
}

function stringOf(der: ArrayBuffer): string {
  const bytes = Buffer.from(der)
  const first = bytes[1] ?? 0
  return bytes.subarray(first < 128 ? 2 : 2 + (first & 0x7f)).toString()
}
