import { X509Certificate } from 'node:crypto'
import { chmod, chown, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createOwnFiles } from '../../../src/control/certificates/own-files.ts'
import { generateKeyPair } from '../../../src/pki/key-pair.ts'
import { createSigningRequest, requestDigest } from '../../../src/pki/signing-request.ts'
import { createAuthority } from '../../../src/simulation/certificates.ts'
import { startScriptedMaster } from '../../support/scripted-master.ts'
import { certname, ownDirectory, startCa, textOf, tryToEnrol } from './scene.ts'

const names = ['ca.pem', 'cert.pem', 'crl.pem', 'key.pem']
const modeOf = async (file: string) => (await stat(file)).mode & 0o777

t.test('one enrolment brings key, certificate, CA and lists, with safe modes', async t => {
  const { authority, master, fingerprint } = await startCa(t)
  const directory = join(ownDirectory(t), 'not/yet/there')
  const altNames = ['puppet', '192.0.2.7']
  const { certificate, problem } = await tryToEnrol(master.url, {
    directory,
    altNames,
    caFingerprint: fingerprint
  })
  t.equal(problem, '')
  t.same((await readdir(directory)).toSorted(), names, 'and nothing else')
  t.equal(await modeOf(join(directory, 'key.pem')), 0o600)
  t.equal(await modeOf(directory), 0o700)
  t.equal(await textOf(directory, 'ca.pem'), authority.bundle)
  t.match(await textOf(directory, 'crl.pem'), /BEGIN X509 CRL/)
  const chain = (await textOf(directory, 'cert.pem')).split(/(?=-----BEGIN)/)
  t.equal(chain.length, 2, 'the intermediate is sent along')
  const leaf = new X509Certificate(chain[0] as string)
  t.equal(leaf.serialNumber, certificate?.serialNumber)
  t.match(leaf.subjectAltName, /DNS:lb\.example\.com.*DNS:puppet.*IP Address:192\.0\.2\.7/)
  t.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
})

t.test('done again it changes nothing, and asks nobody', async t => {
  const { master, fingerprint } = await startCa(t)
  const settings = { directory: ownDirectory(t), caFingerprint: fingerprint }
  await tryToEnrol(master.url, settings)
  const before = await Promise.all(names.map(name => textOf(settings.directory, name)))
  await master.close()
  t.match(await tryToEnrol(master.url, settings), { problem: '', said: [] })
  t.same(await Promise.all(names.map(name => textOf(settings.directory, name))), before)
})

t.test('cut after any step, it goes on from there with the same key', async t => {
  const { master, fingerprint, registry } = await startCa(t)
  const settings = { directory: ownDirectory(t), caFingerprint: fingerprint }
  await tryToEnrol(master.url, settings)
  const [, , , key] = await Promise.all(names.map(name => textOf(settings.directory, name)))
  for (const lost of [['crl.pem'], ['cert.pem'], ['cert.pem', 'crl.pem'], ['ca.pem'], names.slice(0, 3)]) {
    for (const name of lost) await rm(join(settings.directory, name))
    t.equal((await tryToEnrol(master.url, settings)).problem, '', lost.join())
    t.equal(await textOf(settings.directory, 'key.pem'), key)
  }
  // Cut before the request, and after it.
  registry.clean(certname)
  await rm(join(settings.directory, 'cert.pem'))
  t.equal((await tryToEnrol(master.url, settings)).problem, '')
})

t.test(
  'a request that waits for its signature is waited for, and the command that signs is said',
  async t => {
    const { master, fingerprint, registry } = await startCa(t, { autosign: false })
    const directory = ownDirectory(t)
    const settings = { directory, caFingerprint: fingerprint, altNames: ['puppet'] }
    const early = await tryToEnrol(master.url, settings)
    t.equal(early.kind, 'impossible')
    t.match(early.problem, /nobody has signed .*puppetserver ca sign --certname lb\.example\.com/)
    t.match(early.said.join('\n'), /puppetserver ca sign --certname lb\.example\.com/)
    t.match(early.said.join('\n'), /alternative names puppet, .*allow-subject-alt-names: true/)
    const lying = registry.request(certname) ?? ''
    const signing: Promise<void>[] = []
    const { certificate, said } = await tryToEnrol(master.url, settings, {
      waitMs: Number.POSITIVE_INFINITY,
      heard() {
        if (signing.length === 0) signing.push(registry.sign(certname))
      }
    })
    t.equal(certificate?.subject, `CN=${certname}`)
    t.ok(said.join('\n').includes(requestDigest(lying)), 'with the digest of the one that lies there')
    t.equal(said.filter(sentence => sentence.includes('ca sign')).length, 1, 'once')
  }
)

t.test('a request that was thrown away at the CA is made again', async t => {
  const { master, fingerprint, registry } = await startCa(t, { autosign: false })
  const settings = { directory: ownDirectory(t), caFingerprint: fingerprint }
  await tryToEnrol(master.url, settings)
  registry.clean(certname)
  await tryToEnrol(master.url, settings)
  t.type(registry.request(certname), 'string')
})

t.test('a CA that may not sign alternative names by itself is said to, and waited for', async t => {
  const { master, fingerprint } = await startCa(t, { altNames: false })
  const { said, problem } = await tryToEnrol(master.url, {
    directory: ownDirectory(t),
    caFingerprint: fingerprint,
    altNames: ['puppet']
  })
  t.match(said.join('\n'), /the CA says: CSR 'lb\.example\.com' contains extra subject alternative names/)
  t.match(problem, /nobody has signed/)
})

t.test('a name that the CA gave to another key is not taken over', async t => {
  const { master, fingerprint, registry } = await startCa(t, { autosign: false })
  const other = await createSigningRequest({ name: certname, altNames: [] }, await generateKeyPair('ec'))
  await registry.submit(certname, other)
  const settings = { directory: ownDirectory(t), caFingerprint: fingerprint }
  t.match(await tryToEnrol(master.url, settings), {
    kind: 'impossible',
    problem:
      /waits a request .* another key\. .*puppetserver ca clean --certname lb\.example\.com.*with 403, it believes identity headers/
  })
  await registry.sign(certname)
  t.match(await tryToEnrol(master.url, settings), {
    kind: 'impossible',
    problem: /has a certificate .* another key\. .*puppetserver ca clean/
  })
})

t.test('files of somebody else are left as they are', async t => {
  const { master, fingerprint, authority } = await startCa(t)
  const attempt = async (files: Readonly<Record<string, string>>, sentence: RegExp) => {
    const directory = ownDirectory(t)
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
    const { problem } = await tryToEnrol(master.url, { directory, caFingerprint: fingerprint })
    t.match(problem, sentence)
    for (const [name, text] of Object.entries(files)) t.equal(await textOf(directory, name), text, name)
  }
  const stranger = await createAuthority()
  const [other, mine] = await Promise.all([
    authority.issue({ certname: 'other.example.com' }),
    authority.issue({ certname })
  ])
  await attempt({ 'cert.pem': other.chain, 'key.pem': other.key }, /is for "other\.example\.com", not for lb/)
  await attempt({ 'cert.pem': mine.chain, 'key.pem': other.key }, /was made for another key/)
  await attempt({ 'cert.pem': mine.chain }, /a certificate and not its key/)
  await attempt({ 'key.pem': 'nonsense' }, /key\.pem holds no private key that can be used/)
  await attempt({ 'ca.pem': stranger.bundle }, /ca\.pem has the fingerprint/)
  await attempt({ 'ca.pem': other.chain }, /ca\.pem is no PEM bundle of CA certificates/)
})

t.test('a certificate without one of the names is used, and what it lacks is said', async t => {
  const { master, fingerprint } = await startCa(t)
  const settings = { directory: ownDirectory(t), caFingerprint: fingerprint }
  await tryToEnrol(master.url, settings)
  const { problem, said } = await tryToEnrol(master.url, { ...settings, altNames: ['puppet'] })
  t.equal(problem, '')
  t.match(said.join(), /lacks puppet: agents .* refuse it/)
})

t.test('a directory that cannot be used is said to be, before the CA is asked anything', async t => {
  const { master, fingerprint } = await startCa(t)
  const directory = ownDirectory(t)
  const problem = async (place: string) =>
    (await tryToEnrol(master.url, { directory: place, caFingerprint: fingerprint })).problem
  await writeFile(join(directory, 'file'), '')
  t.match(await problem(join(directory, 'file')), /there is a file where a directory should be/)
  t.match(await problem(join(directory, 'file/tls')), /there is a file where a directory should be/)
  await mkdir(join(directory, 'key.pem'))
  t.match(await problem(directory), /key\.pem cannot be read: there is a directory where a file should be/)
  t.equal(master.requestCount, 0)
})

t.test(
  'root does not write a key for a user who could not read it',
  { skip: process.geteuid?.() !== 0 },
  async t => {
    const directory = ownDirectory(t)
    await chown(directory, 12_345, 12_345)
    await t.rejects(createOwnFiles(directory).prepare(), {
      message: /belongs to the user with uid 12345, and this is root.*sudo -u '#12345'/
    })
  }
)

t.test('a user who may not write is told so', { skip: process.geteuid?.() === 0 }, async t => {
  const directory = ownDirectory(t)
  await chmod(directory, 0o500)
  await t.rejects(createOwnFiles(directory).prepare(), { message: /this user \(uid \d+\) may not/ })
})

t.test('a key that appears meanwhile wins over the one that was made', async t => {
  const directory = ownDirectory(t)
  const files = createOwnFiles(directory)
  t.equal(await files.keep('key', 'first'), 'first')
  t.equal(await files.keep('key', 'second'), 'first')
  await files.replace('cert', 'a')
  await files.replace('cert', 'b')
  t.equal(await files.read('cert'), 'b')
  t.same((await readdir(directory)).toSorted(), ['cert.pem', 'key.pem'])
})

t.test('what cannot be put in its place leaves nothing behind', async t => {
  const directory = ownDirectory(t)
  await mkdir(join(directory, 'cert.pem'))
  const problem = { message: /cert\.pem cannot be written: there is a directory where a file should be/ }
  await t.rejects(createOwnFiles(directory).replace('cert', 'a'), problem)
  t.same(await readdir(directory), ['cert.pem'])
})

t.test('lists that are there and cannot be used are told of, and left', async t => {
  const { master, fingerprint } = await startCa(t)
  const settings = { directory: ownDirectory(t), caFingerprint: fingerprint }
  await tryToEnrol(master.url, settings)
  const stranger = await (await createAuthority()).crl()
  for (const [text, why] of [
    ['', /crl\.pem holds no revocation list\. Move it away, and begin again: the CA is asked anew/],
    [stranger, /crl\.pem holds the list of .*, which no CA of tls\.ca signed/]
  ] as const) {
    await writeFile(join(settings.directory, 'crl.pem'), text)
    t.match(await tryToEnrol(master.url, settings), { kind: 'impossible', problem: why })
    t.equal(await textOf(settings.directory, 'crl.pem'), text)
  }
})

t.test('lists that nobody uses are neither read nor asked for', async t => {
  const { master, fingerprint } = await startCa(t)
  const settings = { directory: ownDirectory(t), caFingerprint: fingerprint }
  t.equal((await tryToEnrol(master.url, settings, { bringsLists: false })).problem, '')
  t.same((await readdir(settings.directory)).toSorted(), ['ca.pem', 'cert.pem', 'key.pem'])
  await writeFile(join(settings.directory, 'crl.pem'), 'damaged')
  t.match(await tryToEnrol(master.url, settings, { bringsLists: false }), { problem: '', said: [] })
  t.equal(await textOf(settings.directory, 'crl.pem'), 'damaged')
})

t.test('a CA that is away, that is none, or that starts is told apart', async t => {
  const { master, fingerprint } = await startCa(t)
  const settings = { directory: ownDirectory(t), caFingerprint: fingerprint }
  const plain = await tryToEnrol(master.url.replace('https', 'http'), settings)
  t.equal(plain.kind, 'away')
  await master.close()
  t.match(await tryToEnrol(master.url, settings), {
    kind: 'away',
    problem: /cannot be asked: it refuses connections/
  })
  t.same(await readdir(settings.directory), [])
})

t.test('a page in place of the certificate of the CA is told as what it is', async t => {
  const page = await startScriptedMaster(t, (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>Sign in</html>')
  )
  const { problem, kind } = await tryToEnrol(page.url, {
    directory: ownDirectory(t),
    caFingerprint: 'AB'.repeat(32)
  })
  t.equal(kind, 'impossible')
  t.match(
    problem,
    /^the CA at \S+ answered with something that is no certificate \(text\/html\) when it was asked for its own/
  )
})

t.test('a certificate that has expired is replaced by one of the same key', async t => {
  const { master, fingerprint, registry, authority } = await startCa(t, { renewal: true })
  const settings = { directory: ownDirectory(t), caFingerprint: fingerprint }
  await tryToEnrol(master.url, settings)
  const key = await textOf(settings.directory, 'key.pem')
  const long = await authority.issue({ certname, notAfter: new Date(Date.now() - 3_600_000) })
  await writeFile(join(settings.directory, 'key.pem'), long.key)
  await writeFile(join(settings.directory, 'cert.pem'), long.chain)
  t.not(long.key, key)
  registry.clean(certname)
  const { certificate, problem } = await tryToEnrol(master.url, settings)
  t.equal(problem, '')
  t.ok(certificate && certificate.validToDate.getTime() > Date.now())
  t.equal(await textOf(settings.directory, 'key.pem'), long.key)
})

t.test('asked to renew, it gets a new certificate of the same key by what the CA has', async t => {
  for (const renewal of [true, false]) {
    const { master, fingerprint, registry } = await startCa(t, { renewal })
    const settings = { directory: ownDirectory(t), caFingerprint: fingerprint, altNames: ['puppet'] }
    const first = await tryToEnrol(master.url, settings)
    const key = await textOf(settings.directory, 'key.pem')
    const second = await tryToEnrol(master.url, settings, { renew: true })
    if (!renewal) {
      t.match(second.problem, /renews no certificates .*signed\/lb\.example\.com\.pem/)
      registry.forget(certname)
    }
    const last = renewal ? second : await tryToEnrol(master.url, settings, { renew: true })
    t.ok(last.certificate, last.problem)
    t.not(last.certificate?.serialNumber, first.certificate?.serialNumber)
    t.match(last.certificate?.subjectAltName, /DNS:puppet/)
    t.equal(await textOf(settings.directory, 'key.pem'), key)
    await rename(join(settings.directory, 'cert.pem'), join(settings.directory, 'old.pem'))
  }
})
