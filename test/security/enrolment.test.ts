import { chmod, readdir, readlink, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { certificatesOf } from '../../src/pki/authorities.ts'
import { importKeyPair } from '../../src/pki/key-pair.ts'
import { createSigningRequest } from '../../src/pki/signing-request.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { certname, ownDirectory, startCa, textOf, tryToEnrol } from '../control/certificates/scene.ts'

/** Somebody in the CA's place, who answers whatever he likes and keeps what he is sent. */
async function startImpostor(
  t: { teardown: (task: () => unknown) => void },
  answer: (url: string) => string
) {
  const authority = await createAuthority()
  const { chain, key } = await authority.issue({ certname: 'x', altNames: ['127.0.0.1'] })
  const requests: string[] = []
  const server = createServer({ cert: chain, key }, (request, response) => {
    requests.push(`${request.method} ${request.url}`)
    response.end(answer(request.url ?? ''))
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => server.close())
  return { authority, requests, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

t.test('nothing of a CA is believed before its fingerprint is, and nothing is written', async t => {
  const { master, authority } = await startCa(t)
  const directory = ownDirectory(t)
  const { kind, problem } = await tryToEnrol(master.url, { directory })
  t.equal(kind, 'input')
  for (const { fingerprint256 } of certificatesOf(authority.bundle)) t.ok(problem.includes(fingerprint256))
  t.match(problem, /openssl x509 -noout -fingerprint -sha256/)
  const stranger = certificatesOf((await createAuthority()).bundle)[0]?.fingerprint256
  t.match(await tryToEnrol(master.url, { directory, caFingerprint: stranger }), {
    kind: 'input',
    problem: /no certificate of .* has the fingerprint/
  })
  t.same(await readdir(directory), [])
})

t.test('a CA that somebody puts beside the right one is refused', async t => {
  const { authority, fingerprint } = await startCa(t)
  const impostor = await startImpostor(t, () => authority.bundle + impostor.authority.bundle)
  const directory = ownDirectory(t)
  t.match(await tryToEnrol(impostor.url, { directory, caFingerprint: fingerprint }), {
    kind: 'input',
    problem: /holds certificates that the fingerprint .* does not vouch for/
  })
  t.same(await readdir(directory), [])
})

t.test('somebody who sends the right bundle and has not its key gets no request', async t => {
  const { authority, fingerprint } = await startCa(t)
  const impostor = await startImpostor(t, () => authority.bundle)
  const directory = ownDirectory(t)
  t.match(await tryToEnrol(impostor.url, { directory, caFingerprint: fingerprint }), {
    problem:
      /cannot be asked: its certificate is of a CA that is not in \S+\/ca\.pem\. .*somebody else answers/
  })
  t.same(impostor.requests, ['GET /puppet-ca/v1/certificate/ca'])
})

t.test('a certificate for another name or key, or of another CA, is not taken', async t => {
  const { authority, fingerprint, registry, master } = await startCa(t)
  const directory = ownDirectory(t)
  const settings = { directory, caFingerprint: fingerprint }
  await tryToEnrol(master.url, settings)
  const stranger = await createAuthority()
  const key = await textOf(directory, 'key.pem')
  const otherName = { name: 'other.example.com', altNames: [] }
  for (const [cert, why] of [
    [await stranger.renew(await textOf(directory, 'cert.pem')), /that was not issued by this CA/],
    [
      await authority.sign(await createSigningRequest(otherName, importKeyPair(key))),
      /that is for "other\.example\.com"/
    ],
    [await authority.issue({ certname }), /that was made for another key/]
  ] as const) {
    await writeFile(join(directory, 'cert.pem'), cert.cert)
    const { problem } = await tryToEnrol(master.url, settings)
    t.match(problem, /cert\.pem holds a certificate that /)
    t.match(problem, why)
    t.equal(await textOf(directory, 'cert.pem'), cert.cert, 'nor is it thrown away')
  }
  t.equal(await textOf(directory, 'key.pem'), key)
  t.type(registry.certificate(certname), 'string')
})

t.test('what the CA says in place of a certificate is told, with the words it has', async t => {
  const { master, fingerprint, authority } = await startCa(t)
  const { chain, key } = await authority.issue({ certname: 'puppetca', altNames: ['127.0.0.1'] })
  for (const [status, text, told] of [
    [403, '\u001b[31mForbidden\nmore', /answered 403 when it was asked for a certificate: \[31mForbidden$/],
    [302, '', /answered 302 when it was asked for a certificate$/]
  ] as const) {
    const server = createServer({ cert: chain, key }, (request, response) => {
      const isBundle = request.url?.endsWith('/ca')
      response.writeHead(isBundle ? 200 : status).end(isBundle ? authority.bundle : text)
    }).listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    t.teardown(() => server.close())
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { problem } = await tryToEnrol(url, { directory: ownDirectory(t), caFingerprint: fingerprint })
    t.match(problem, told)
  }
  t.equal(master.requestCount, 0)
})

t.test('a link that leads nowhere is told to be one, and is left', async t => {
  const { master, fingerprint } = await startCa(t)
  const directory = ownDirectory(t)
  await symlink('/nowhere/key.pem', join(directory, 'key.pem'))
  const { problem } = await tryToEnrol(master.url, { directory, caFingerprint: fingerprint })
  t.match(problem, /key\.pem cannot be written: it is a symbolic link to what is not there/)
  t.equal(await readlink(join(directory, 'key.pem')), '/nowhere/key.pem')
})

t.test('a key that everybody may read is told of', async t => {
  const { master, fingerprint } = await startCa(t)
  const directory = ownDirectory(t)
  const settings = { directory, caFingerprint: fingerprint }
  await tryToEnrol(master.url, settings)
  t.same((await tryToEnrol(master.url, settings)).said, [])
  await chmod(join(directory, 'key.pem'), 0o604)
  t.match((await tryToEnrol(master.url, settings)).said, [/may read .*key\.pem: chmod 600 /])
})

t.test('nothing of the key is ever said', async t => {
  const { master, fingerprint } = await startCa(t)
  const directory = ownDirectory(t)
  const { said } = await tryToEnrol(master.url, { directory, caFingerprint: fingerprint })
  const [, line = ''] = (await textOf(directory, 'key.pem')).split('\n')
  t.ok(line.length > 40)
  t.notOk(said.join('\n').includes(line))
  t.notOk((await textOf(directory, 'cert.pem')).includes('PRIVATE'))
})
