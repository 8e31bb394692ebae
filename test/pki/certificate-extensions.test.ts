import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { extensionTexts } from '../../src/pki/certificate-extensions.ts'
import { generateKeyPair } from '../../src/pki/key-pair.ts'
import { Extension } from '../../src/pki/x509.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { certify, createCertifier, newSerial } from '../../src/simulation/certifier.ts'

const arc = '1.3.6.1.4.1.34380.1.2'
const der = (pem: string) => new X509Certificate(pem).raw
const validity = { notBefore: new Date(0), notAfter: new Date(4e12) }
const issuer = await createCertifier({ ...validity, commonName: 'ca', keyType: 'ec' })

/** The texts of a certificate with these extensions. */
async function textsOf(...extensions: Extension[]) {
  const { publicKey } = await generateKeyPair('ec')
  const certificate = await certify(
    { ...validity, serialNumber: newSerial(), subject: 'CN=a', publicKey, extensions },
    issuer
  )
  return extensionTexts(Buffer.from(certificate.rawData))
}

t.test('the extensions that an agent asks for are read as they were written', async t => {
  const authority = await createAuthority()
  const long = 'x'.repeat(300)
  const { cert } = await authority.issue({
    certname: 'a',
    extensions: { pp_datacenter: 'b', pp_role: 'wébsèrver', [`${arc}.16384`]: long }
  })
  const texts = extensionTexts(der(cert))
  t.equal(texts.get('1.3.6.1.4.1.34380.1.1.19'), 'b')
  t.equal(texts.get('1.3.6.1.4.1.34380.1.1.13'), 'wébsèrver')
  t.equal(texts.get(`${arc}.16384`), long)
  t.equal(texts.get('1.3.6.1.4.1.34380.1.1.14'), undefined)
})

const values: readonly (readonly [kind: string, bytes: Buffer, text: string])[] = [
  ['a UTF8String', Buffer.from('\x0c\x02é', 'utf8'), 'é'],
  ['a PrintableString', Buffer.from('\x13\x01b'), 'b'],
  ['an IA5String', Buffer.from('\x16\x01b'), 'b'],
  ['a NumericString', Buffer.from('\x12\x0212'), '12'],
  ['a TeletexString', Buffer.from('\x14\x01b'), 'b'],
  ['a VisibleString', Buffer.from('\x1a\x01b'), 'b'],
  ['a GeneralString', Buffer.from('\x1b\x01b'), 'b'],
  ['a BMPString', Buffer.from('1e0400620073', 'hex'), 'bs'],
  ['half a character of a BMPString', Buffer.from('1e03006200', 'hex'), 'b'],
  ['an OCTET STRING', Buffer.from('\x04\x01b'), 'b'],
  ['an empty string', Buffer.from('\x0c\x00'), ''],
  ['a number', Buffer.from('\x02\x01\x05'), '\x02\x01\x05'],
  ['bare text', Buffer.from('bare'), 'bare'],
  ['text that looks like the begin of a string', Buffer.from('\x0c\x09b'), '\x0c\x09b'],
  ['a string with something behind it', Buffer.from('\x0c\x01bc'), '\x0c\x01bc'],
  ['nothing', Buffer.alloc(0), '']
]
for (const [kind, bytes, text] of values) {
  t.test(`a value that is ${kind} is read`, async t => {
    t.equal((await textsOf(new Extension(`${arc}.1`, false, bytes))).get(`${arc}.1`), text)
  })
}

t.test('a critical one is read too, and of two of an OID the first', async t => {
  const texts = await textsOf(
    new Extension(`${arc}.1`, true, Buffer.from('first')),
    new Extension(`${arc}.1`, false, Buffer.from('second')),
    new Extension('2.999.5', false, Buffer.from('other'))
  )
  t.equal(texts.get(`${arc}.1`), 'first')
  t.equal(texts.get('2.999.5'), 'other')
})

t.test('what is no certificate is refused', async t => {
  t.throws(() => extensionTexts(Buffer.from('no certificate')), RangeError)
  t.equal(extensionTexts(Buffer.from([0x30, 0])).size, 0)
})
