import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import tls from 'node:tls'
import t from 'tap'
import { maxMasters } from '../../src/model/settings.ts'
import { generateKeyPair } from '../../src/pki/key-pair.ts'
import { alternativeNames } from '../../src/pki/signing-request.ts'
import type { Authority, IssuedCertificate } from '../../src/simulation/certificates.ts'
import {
  type Certifier,
  certify,
  createCertifier,
  newSerial,
  pemOf,
  saveCertifier
} from '../../src/simulation/certifier.ts'
import { leafExtensions } from '../../src/simulation/puppet-extensions.ts'
import { problemsOf, settingsOf } from '../config/fixture.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, type TestPki } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { craftersOf, craftPem, manyEntries } from '../support/crafted-list.ts'
import { createHugeKey } from '../support/huge-key.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

/** Every file of an operator's, some ten times as large as at a large site: a chain of three, two CAs, and so on. */
const CHAIN = 30
const AUTHORITIES = 60
const LISTS_OF_ONE_CA = 100
const TOKEN = 'x'.repeat(640)

const dayMs = 86_400_000
const validity = { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + 30 * dayMs) }
const ec = { ...validity, keyType: 'ec' } as const
const path = '/puppet/v3/node/agent1'
const pki = await createTestPki()
const gone = await pki.authority.issue({ certname: 'gone' })

/** CAs each below the one before. */
const line: Certifier[] = []
for (let index = 0; index < CHAIN - 1; index++)
  line.push(
    await createCertifier({
      ...ec,
      commonName: `CA ${index}`,
      ...(line[0] && { issuer: line.at(-1) as Certifier })
    })
  )
const others = await Promise.all(
  Array.from({ length: AUTHORITIES - CHAIN }, (_, index) =>
    createCertifier({ ...ec, commonName: `Other ${index}` })
  )
)
const bundle =
  pki.authority.bundle + [...line, ...others].map(({ certificate }) => pemOf(certificate)).join('')

/** A certificate below all of the line; for a key of its own, or the longest there is. */
async function issueBelow(certname: string, { isHuge = false } = {}): Promise<IssuedCertificate> {
  const keys = isHuge ? hugeKeys() : await generateKeyPair('ec')
  const serialNumber = newSerial()
  const extensions = [...leafExtensions(), alternativeNames([certname, 'puppet', '127.0.0.1'])]
  const what = { ...validity, serialNumber, subject: `CN=${certname}`, publicKey: keys.publicKey, extensions }
  const cert = pemOf(await certify(what, line.at(-1) as Certifier))
  const above = line.toReversed().map(({ certificate }) => pemOf(certificate))
  return { certname, serial: serialNumber, cert, chain: [cert, ...above].join(''), key: keys.pem }
}

function hugeKeys() {
  const key = createHugeKey()
  const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  return {
    publicKey: createPublicKey(key).toCryptoKey(rsa, true, ['verify']),
    pem: String(key.export({ type: 'pkcs8', format: 'pem' }))
  }
}

/** A list of every CA, and a hundred of the one that names agents, each with a hundred entries of its own. */
function listsWith(number: number, revoked: readonly IssuedCertificate[]): string {
  const saved = [...line, ...others].map(saveCertifier)
  const [root, signer] = craftersOf(pki.authority)
  const crafters = craftersOf({ save: () => saved } as unknown as Authority)
  const entries = manyEntries(100 * LISTS_OF_ONE_CA)
  const ofOne = Array.from({ length: LISTS_OF_ONE_CA }, (_, index) => ({
    by: signer as NonNullable<typeof signer>,
    number: BigInt(number + index),
    entries: entries.slice(100 * index, 100 * index + 100)
  }))
  const named = revoked.map(({ serial }) => ({ serial: BigInt(`0x${serial}`) }))
  const last = ofOne.at(-1) as (typeof ofOne)[number]
  return [...crafters, root as NonNullable<typeof root>]
    .map(by => craftPem({ by, number: BigInt(number) }))
    .concat([...ofOne.slice(0, -1), { ...last, entries: [...last.entries, ...named] }].map(craftPem))
    .join('')
}

/** As many masters as there may be, of which the first one is there. */
function masters(url: string) {
  const away = Array.from({ length: maxMasters - 1 }, (_, index) => ({
    name: `away-${index}.compile.site-a.example.com`,
    url: `http://127.0.1.${index + 1}:9`
  }))
  return [{ name: 'm1.compile.site-a.example.com', url }, ...away]
}

/** A configuration as somebody writes it who has a lot to say of each of a thousand masters. */
function longText(count: number, more = ''): string {
  const remark = `    # ${'said of this master '.repeat(20)}\n`.repeat(Math.ceil(1000 / count))
  const entries = Array.from(
    { length: count },
    (_, index) =>
      `${remark}  - { name: m${index}, url: "http://127.0.1.${index % 250}:${1 + index}", weight: ${index ? '*w' : '&w 10'} }\n`
  )
  return `${more}masters:\n${entries.join('')}`
}

const minimal =
  'tls: { cert: server.pem, key: server.key, ca: ca.pem }\nca: { url: https://ca.example.com:8140 }\n'

t.test('the text of a thousand masters is read, each with the values of another', t => {
  t.equal(settingsOf(t, longText(maxMasters, minimal)).masters.length, maxMasters)
  t.end()
})

t.test('more masters than there may be are told in one sentence', t => {
  t.same(problemsOf(t, longText(1000, minimal)), [
    'puppet-lb.yaml:5:3 masters: is a list of 1000 masters, must be a list of at most 128'
  ])
  t.end()
})

t.test('a thousand mistakes are told at once, each at its line', t => {
  const yaml = longText(100, minimal).replaceAll('weight:', 'wieght:')
  const problems = problemsOf(t, yaml)
  t.equal(problems.length, 100)
  t.match(problems.at(-1), /^puppet-lb\.yaml:\d+:\d+ masters\[99\]\.wieght: /)
  t.end()
})

t.test('a token that no header can carry is refused', t => {
  const problems = problemsOf(t, longText(1, `${minimal}admin: { token: { file: token } }\n`), {
    files: { token: 'x'.repeat(10_240) }
  })
  t.match(problems, [
    /admin\.token\.file: names .*token, which holds a token that is too long; must be 16 to 1024 /
  ])
  t.end()
})

t.test('files of ten times their size are read at the start and when they change', async t => {
  const [master, ca] = await Promise.all(
    ['master', 'ca'].map(name => startScriptedMaster(t, (_request, response) => response.end(name)))
  )
  const server = await issueBelow('first.example.com')
  const wide: TestPki = { authority: { ...pki.authority, bundle }, server }
  const balancer = await spawnBalancer(
    t,
    wide,
    {
      ca: ca?.url ?? '',
      masters: masters(master?.url ?? ''),
      listen: { workers: 1 },
      health: { interval: '1m', timeout: '10s' },
      tls: { crl: { file: 'crl.pem' } },
      admin: { token: { file: 'token' } },
      reload: 'watch'
    },
    { files: { 'crl.pem': listsWith(1, []), token: TOKEN } }
  )
  const put = async (name: string, text: string) => {
    await writeFile(join(balancer.directory, `${name}.new`), text)
    await rename(join(balancer.directory, `${name}.new`), join(balancer.directory, name))
  }
  let reloads = 0
  const reloaded = () => balancer.atLeast(++reloads, { msg: 'configuration is reloaded' })
  const ask = (identity: IssuedCertificate) => connectAgent(t, wide, balancer.port, identity).ask({ path })
  const shown = async () => {
    const socket = tls.connect({ host: '127.0.0.1', port: balancer.port, servername: 'puppet', ca: bundle })
    await once(socket, 'secureConnect')
    const { CN } = socket.getPeerCertificate().subject
    socket.destroy()
    return CN
  }
  const status = async () => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'x-puppet-lb': '1' }
    const answer = await fetch(`http://127.0.0.1:${balancer.adminPort}/api/status`, { headers })
    return (await answer.json()) as { crl: { entries: number }; masters: unknown[] }
  }

  t.equal(await shown(), 'first.example.com')
  t.match(await ask(gone), { status: 200, body: 'master' })
  t.equal((await ask(await issueBelow('deep'))).status, 200, 'an agent below thirty CAs')
  t.match(await status(), { crl: { entries: 10_000 }, masters: { length: maxMasters } })

  await put('crl.pem', listsWith(200, [gone]))
  await reloaded()
  t.equal((await ask(gone)).status, 403)
  t.match(await status(), { crl: { entries: 10_001 } })

  // The key first: half a pair is waited for, and its other half sets no reload off by itself.
  const second = await issueBelow('second.example.com', { isHuge: true })
  await put('server.key', second.key)
  await put('server.pem', second.chain)
  await reloaded()
  t.equal(await shown(), 'second.example.com')

  const many = Array.from({ length: 1000 }, (_, index) => ({
    name: `m${index}`,
    url: `http://127.0.1.1:${index + 1}`
  }))
  await balancer.rewrite({ masters: many })
  const { problems } = await balancer.line({
    msg: 'configuration is not reloaded; the last good one stays in force'
  })
  t.match(problems, [
    /puppet-lb\.yaml:1:\d+ masters: is a list of 1000 masters, must be a list of at most 128$/
  ])
  t.equal(await shown(), 'second.example.com')
})
