import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { certificatesOf } from '../../src/pki/authorities.ts'
import { importKeyPair } from '../../src/pki/key-pair.ts'
import { certificateProblem, chainOf, leafOf, missingNames } from '../../src/pki/server-certificate.ts'
import {
  createSigningRequest,
  publicKeyOf,
  requestDigest,
  requestedKey
} from '../../src/pki/signing-request.ts'
import { Pkcs10CertificateRequest } from '../../src/pki/x509.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'

const authority = await createAuthority()
const authorities = certificatesOf(authority.bundle)
const name = 'lb.example.com'
const issued = await authority.issue({ certname: name, altNames: ['puppet', '192.0.2.1'] })
const keys = importKeyPair(issued.key)
const leaf = new X509Certificate(issued.cert)
const expected = { name, publicKey: publicKeyOf(keys), authorities, nowMs: Date.now() }

t.test('a request asks for every name, and can be told by its key and its digest', async t => {
  const request = await createSigningRequest({ name, altNames: ['puppet', name, '2001:db8::1'] }, keys)
  const parsed = new Pkcs10CertificateRequest(request)
  t.ok(await parsed.verify())
  t.equal(parsed.subject, `CN=${name}`)
  t.match(parsed.extensions[0]?.toString('text'), /DNS: ?lb\.example\.com[\s\S]*puppet[\s\S]*2001:db8::1/i)
  t.same(requestedKey(request), publicKeyOf(keys))
  t.match(requestDigest(request), /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
  t.equal(requestedKey('nonsense'), undefined)
})

t.test('a request for one name asks for no alternative names, which old CAs refuse', async t => {
  const request = await createSigningRequest({ name, altNames: [name] }, keys)
  t.same(new Pkcs10CertificateRequest(request).extensions, [])
})

t.test('a certificate is held against name, key, CA and clock', async t => {
  const stranger = await createAuthority()
  const other = await stranger.issue({ certname: 'x' })
  const problem = (changed: Partial<typeof expected>) => certificateProblem(leaf, { ...expected, ...changed })
  t.equal(problem({}), undefined)
  t.match(problem({ name: 'puppet' }), /^is for "lb\.example\.com", not for puppet$/)
  t.match(problem({ publicKey: publicKeyOf(importKeyPair(other.key)) }), /another key/)
  t.match(
    problem({ authorities: certificatesOf(stranger.bundle) }),
    /not issued by this CA: its bundle has no "CN=Puppet CA: .*" with the key that signed it/
  )
  t.match(problem({ nowMs: leaf.validToDate.getTime() + 1_000 }), /^expired on /)
  t.match(
    problem({ nowMs: leaf.validFromDate.getTime() - 1_000 }),
    /^is not valid before .*: compare the clocks$/
  )
})

t.test('names that a certificate lacks are told', async t => {
  t.same(missingNames(leaf, { name, altNames: ['puppet', '192.0.2.1'] }), [])
  t.same(missingNames(leaf, { name, altNames: ['puppet.example.com', '192.0.2.2'] }), [
    'puppet.example.com',
    '192.0.2.2'
  ])
})

t.test('what is shown is the certificate with its intermediates, and no root', async t => {
  t.equal(chainOf(leaf, authorities), issued.chain)
  t.equal(leafOf(chainOf(leaf, authorities))?.serialNumber, leaf.serialNumber)
  t.equal(leafOf('nonsense'), undefined)
})
