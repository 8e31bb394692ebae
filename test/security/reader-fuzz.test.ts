import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/config/problems.ts'
import { authoritiesOf } from '../../src/pki/authorities.ts'
import { readRevocations } from '../../src/pki/crl.ts'
import { CrlError } from '../../src/pki/crl-error.ts'
import { formatPem, readPem } from '../../src/pki/pem.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { craftersOf, craftList, extension, integer, manyEntries } from '../support/crafted-list.ts'
import { seededDice } from '../support/runtime.ts'
import { mutateBytes } from './support/mutate-bytes.ts'

const authority = await createAuthority({ intermediate: false })
const authorities = authoritiesOf(authority.bundle)
const [by] = craftersOf(authority)
if (!by) throw new Error('no CA')
const der = craftList({
  by,
  entries: [...manyEntries(5), { serial: 1n }, { serial: -5n }],
  extensions: [extension('2a0304', integer(1n))]
})
const pem = formatPem('X509 CRL', der)
const digestOf = (file: Buffer) => readRevocations(file, authorities, Date.now())[0]?.digest
const digest = digestOf(der)

/** Runs a reader over mutations; whatever it throws must be of its own kind. The result is how many it took. */
function fuzz(
  seed: number,
  count: number,
  from: Buffer,
  read: (mutated: Buffer) => void,
  kind: new (...args: never[]) => Error
): number {
  const dice = seededDice(seed)
  let taken = 0
  for (let round = 0; round < count; round++) {
    const mutated = mutateBytes(from, dice)
    try {
      read(mutated)
      taken++
    } catch (error) {
      if (!(error instanceof kind)) {
        throw new Error(`seed ${seed}, round ${round}: ${error}: ${mutated.toString('base64')}`)
      }
    }
  }
  return taken
}

for (const [what, from, seed] of [
  ['DER', der, 1],
  ['PEM', Buffer.from(pem), 2]
] as const) {
  t.test(`a mutated list in ${what} is refused, or says what was signed`, async t => {
    const taken = fuzz(
      seed,
      2_000,
      from,
      mutated => {
        const read = digestOf(mutated)
        if (read !== digest) throw new Error('another list is believed')
      },
      CrlError
    )
    t.ok(taken < 1_000, `${taken} were read`)
  })
}

t.test('PEM of any kind is read without an error', async t => {
  const text = `${authority.bundle}${pem}-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4\n\nAAAA\n-----END EC PRIVATE KEY-----\n`
  t.equal(
    fuzz(
      3,
      2_000,
      Buffer.from(text),
      mutated => void readPem(mutated.toString('latin1'), () => true),
      CrlError
    ),
    2_000
  )
})

t.test('a mutated configuration, or files it names, end in a ConfigError or in settings', async t => {
  const server = await authority.issue({ certname: 'puppet.example.com' })
  const files = {
    'puppet-lb.yaml': [
      'tls: { cert: server.pem, key: server.key, ca: ca.pem, crl: { file: crl.pem, refresh: 1m } }',
      'ca: { url: https://ca.example.com:8140 }',
      'masters: &all\n  - { name: alpha, url: https://alpha.example.com:8140, weight: 3 }',
      'admin: { token: { file: token } }\nlog: { level: info }\n'
    ].join('\n'),
    'server.pem': server.chain,
    'server.key': server.key,
    'ca.pem': authority.bundle,
    'crl.pem': pem,
    token: 'a-token-of-some-length\n'
  }
  const directory = t.testdir(files)
  const load = () => loadConfig(join(directory, 'puppet-lb.yaml'), {})
  load()
  for (const [index, [name, content]] of Object.entries(files).entries()) {
    const taken = fuzz(
      10 + index,
      150,
      Buffer.from(content),
      mutated => {
        writeFileSync(join(directory, name), mutated)
        load()
      },
      ConfigError
    )
    writeFileSync(join(directory, name), content)
    t.ok(taken < 150, `${name}: ${taken} were taken`)
  }
})
