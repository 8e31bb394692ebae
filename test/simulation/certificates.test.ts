import { execFile } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { generateKeyPair, importKeyPair } from '../../src/pki/key-pair.ts'
import { createCertificateRequest } from '../../src/simulation/certificate-request.ts'
import {
  type Authority,
  createAuthority,
  loadAuthority,
  renewAuthority
} from '../../src/simulation/certificates.ts'
import { readTrustedExtensions } from '../../src/simulation/puppet-extensions.ts'

const run = promisify(execFile)
const yearMs = 365 * 24 * 60 * 60 * 1000

interface Verdict {
  readonly ok: boolean
  readonly output: string
}

/** What `openssl verify` says of a leaf, with every CA certificate of the bundle and every CRL at hand. */
async function opensslVerify(
  t: Test,
  { bundle, cert, crl }: { bundle: string; cert: string; crl?: string }
): Promise<Verdict> {
  const dir = t.testdir({})
  const file = async (name: string, text: string) => {
    await writeFile(join(dir, name), text)
    return join(dir, name)
  }
  const args = ['verify', '-x509_strict', '-CAfile', await file('ca.pem', bundle)]
  if (crl !== undefined) args.push('-crl_check_all', '-CRLfile', await file('crl.pem', crl))
  return run('openssl', [...args, await file('leaf.pem', cert)]).then(
    ({ stdout }) => ({ ok: true, output: stdout }),
    (error: { stdout: string; stderr: string }) => ({ ok: false, output: error.stdout + error.stderr })
  )
}

t.test('openssl accepts a leaf of root and intermediate, with both revocation lists', async t => {
  const authority = await createAuthority()
  const { cert } = await authority.issue({ certname: 'agent.example.com' })
  t.equal(pemCount(authority.bundle), 2)
  t.match(await opensslVerify(t, { bundle: authority.bundle, cert, crl: await authority.crl() }), {
    ok: true
  })
})

t.test('openssl accepts a leaf of a lone root', async t => {
  const authority = await createAuthority({ intermediate: false })
  const { cert, chain } = await authority.issue({ certname: 'agent.example.com' })
  t.equal(chain, cert)
  t.equal(pemCount(authority.bundle), 1)
  t.match(await opensslVerify(t, { bundle: authority.bundle, cert, crl: await authority.crl() }), {
    ok: true
  })
})

t.test('openssl refuses what it should', async t => {
  const authority = await createAuthority()
  const good = await authority.issue({ certname: 'good' })
  const revoked = await authority.issue({ certname: 'revoked' })
  const expired = await authority.issue({ certname: 'expired', notAfter: new Date(Date.now() - 1000) })
  const stranger = await (await createAuthority()).issue({ certname: 'good' })
  const crl = await authority.crl({ revoked: [revoked.serial] })
  const { bundle } = authority

  t.match(await opensslVerify(t, { bundle, cert: good.cert, crl }), { ok: true })
  t.match(await opensslVerify(t, { bundle, cert: revoked.cert, crl }), { ok: false, output: /revoked/ })
  t.match(await opensslVerify(t, { bundle, cert: expired.cert, crl }), { ok: false, output: /has expired/ })
  t.match(await opensslVerify(t, { bundle, cert: stranger.cert, crl }), {
    ok: false,
    output: /unable to get/
  })
  const stale = await authority.crl({
    thisUpdate: new Date(Date.now() - yearMs),
    nextUpdate: new Date(Date.now() - 1)
  })
  t.match(await opensslVerify(t, { bundle, cert: good.cert, crl: stale }), {
    ok: false,
    output: /CRL has expired/
  })
})

t.test('a leaf looks like one of Puppet Server', async t => {
  const authority = await createAuthority()
  const issued = await authority.issue({
    certname: 'lb.example.com',
    altNames: ['puppet', '127.0.0.1'],
    extensions: { pp_role: 'balancer', pp_cli_auth: 'true', '1.3.6.1.4.1.34380.1.2.1': 'é'.repeat(100) }
  })
  const leaf = new X509Certificate(issued.cert)
  t.equal(leaf.subject, 'CN=lb.example.com')
  t.equal(leaf.serialNumber, issued.serial)
  t.equal(leaf.subjectAltName, 'DNS:lb.example.com, DNS:puppet, IP Address:127.0.0.1')
  t.notOk(leaf.ca)
  t.same(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  t.ok(leaf.checkPrivateKey(importable(issued.key)))
  t.equal(pemCount(issued.chain), 2)
  t.same(readTrustedExtensions(issued.cert), {
    pp_role: 'balancer',
    pp_cli_auth: 'true',
    '1.3.6.1.4.1.34380.1.2.1': 'é'.repeat(100)
  })
  const dir = t.testdir({ 'leaf.pem': issued.cert })
  const { stdout } = await run('openssl', ['x509', '-in', join(dir, 'leaf.pem'), '-noout', '-text'])
  t.match(stdout, /1\.3\.6\.1\.4\.1\.34380\.1\.1\.13:\s+\.\.balancer/)
  t.match(stdout, /Extended Key Usage: critical/)
  t.match(stdout, /Digital Signature, Key Encipherment/)
  t.match(stdout, /Netscape Comment:\s+Puppet Server Internal Certificate/)
})

t.test('an extension that Puppet does not know is a mistake of the caller', async t => {
  const authority = await createAuthority()
  await t.rejects(authority.issue({ certname: 'a', extensions: { role: 'web' } }), /role is neither/)
})

t.test('RSA keys and an RSA authority verify too', async t => {
  const authority = await createAuthority({ keyType: 'rsa2048' })
  const { cert } = await authority.issue({ certname: 'old', keyType: 'rsa2048' })
  t.equal(new X509Certificate(cert).publicKey.asymmetricKeyDetails?.modulusLength, 2048)
  t.match(await opensslVerify(t, { bundle: authority.bundle, cert, crl: await authority.crl() }), {
    ok: true
  })
})

t.test('a request is signed for its own subject, with its trusted facts', async t => {
  const authority = await createAuthority()
  const keys = await generateKeyPair('ec')
  const request = await createCertificateRequest({ certname: 'web01', extensions: { pp_role: 'web' } }, keys)
  const signed = await authority.sign(request)
  t.match(await opensslVerify(t, { bundle: authority.bundle, cert: signed.cert }), { ok: true })
  const leaf = new X509Certificate(signed.cert)
  t.equal(leaf.subject, 'CN=web01')
  t.equal(leaf.subjectAltName, 'DNS:web01')
  t.same(readTrustedExtensions(signed.cert), { pp_role: 'web' })
  t.ok(leaf.checkPrivateKey(importable(keys.pem)))
})

t.test('a request that another key signed is refused', async t => {
  const authority = await createAuthority()
  const [mine, theirs] = await Promise.all([generateKeyPair('ec'), generateKeyPair('ec')])
  const forged = await createCertificateRequest(
    { certname: 'web01' },
    { ...mine, privateKey: theirs.privateKey }
  )
  await t.rejects(authority.sign(forged), /not signed by its own key/)
})

t.test('a saved authority goes on signing under the same bundle', async t => {
  const first: Authority = await createAuthority()
  const second = loadAuthority(first.save())
  t.equal(second.bundle, first.bundle)
  const { cert } = await second.issue({ certname: 'later' })
  t.match(await opensslVerify(t, { bundle: first.bundle, cert, crl: await second.crl() }), { ok: true })
})

t.test('a renewed authority has other certificates, under which what it signed before holds', async t => {
  for (const intermediate of [true, false]) {
    const first = await createAuthority({ intermediate })
    const leaf = await first.issue({ certname: 'earlier' })
    const renewed = await renewAuthority(first, () => Date.now() + yearMs)
    t.not(renewed.bundle, first.bundle)
    t.equal(pemCount(renewed.bundle), pemCount(first.bundle))
    const [before, after] = [first, renewed].map(({ bundle }) => new X509Certificate(bundle))
    t.equal(after?.subject, before?.subject)
    t.ok(after && new X509Certificate(leaf.cert).verify(after.publicKey))
    const beginning =
      new Date(after?.validFromDate ?? 0).getTime() - new Date(before?.validFromDate ?? 0).getTime()
    t.ok(Math.abs(beginning - yearMs) < 60_000)
  }
  const first = await createAuthority()
  const leaf = await first.issue({ certname: 'earlier' })
  const renewed = await renewAuthority(first)
  const crl = await renewed.crl()
  t.match(await opensslVerify(t, { bundle: renewed.bundle, cert: leaf.cert, crl }), { ok: true })
})

function pemCount(text: string): number {
  return text.match(/-----BEGIN CERTIFICATE-----/g)?.length ?? 0
}

function importable(pem: string) {
  return createPrivateKey(importKeyPair(pem).pem)
}
