import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { authoritiesOf } from '../../src/pki/authorities.ts'
import { renewedChain } from '../../src/pki/renewed-chain.ts'
import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension
} from '../../src/pki/x509.ts'
import { createRenewedCa, forAgents, type LeafOddity, type Link, pemsOf } from '../support/renewed-ca.ts'

const dayMs = 86_400_000
const identification = 'serial'
const ca = await createRenewedCa({ identification })

async function chainOf(
  { old, renewed, issue }: typeof ca,
  oddity: LeafOddity = {},
  { tlsCa = [...old, ...renewed], inDays = 0 }: { tlsCa?: readonly Link[]; inDays?: number } = {}
) {
  const leaf = new X509Certificate(pemsOf(await issue(old, oddity)))
  const chain = renewedChain(leaf, authoritiesOf(pemsOf(...tlsCa)), Date.now() + inDays * dayMs)
  return chain?.map(({ certificate }) => certificate.subject)
}

t.test('a certificate of before the renewal is led to the root of now, past what expired', async t => {
  t.same(await chainOf(ca), ['CN=Intermediate', 'CN=Root'])
  t.same(await chainOf(ca, {}, { tlsCa: ca.renewed }), ['CN=Intermediate', 'CN=Root'])
})

t.test('it is led nowhere where a CA of now is missing, or has ended as well', async t => {
  const [root, intermediate] = ca.renewed as [Link, Link]
  t.equal(await chainOf(ca, {}, { tlsCa: [...ca.old, root] }), undefined)
  t.equal(await chainOf(ca, {}, { tlsCa: [...ca.old, intermediate] }), undefined)
  t.equal(await chainOf(ca, { days: [-50, 500] }, { inDays: 200 }), undefined)
})

t.test('a namesake with another key vouches for nobody', async t => {
  const other = await createRenewedCa({ identification })
  t.equal(await chainOf(ca, {}, { tlsCa: other.renewed }), undefined)
  const [root] = other.renewed as [Link]
  const [, intermediate] = ca.renewed as [Link, Link]
  t.equal(await chainOf(ca, {}, { tlsCa: [root, intermediate] }), undefined)
})

for (const [what, oddity] of Object.entries<LeafOddity>({
  'has expired': { days: [-50, -1] },
  'is of the future': { days: [1, 50] },
  'is signed with SHA-1': { hash: 'SHA-1' },
  'is for servers only': {
    extensions: [new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth], true)]
  },
  'may only sign others': { extensions: [new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)] },
  'has a critical extension that nobody knows': {
    extensions: [...forAgents(), new Extension('1.2.3.4.5', true, new Uint8Array([5, 0]))]
  },
  'is a proxy certificate': {
    extensions: [...forAgents(), new Extension('1.3.6.1.5.5.7.1.14', true, new Uint8Array([0x30, 0]))]
  }
}))
  t.test(`a certificate that ${what} is led nowhere`, async t => {
    t.equal(await chainOf(ca, oddity), undefined)
  })

for (const [what, extensions] of Object.entries<readonly Extension[]>({
  'is for servers only': [new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth], true)],
  'constrains names': [new Extension('2.5.29.30', true, new Uint8Array([0x30, 0]))],
  'has a critical extension that nobody knows': [new Extension('1.2.3.4.5', true, new Uint8Array([5, 0]))]
}))
  t.test(`a CA that ${what} vouches for nobody`, async t => {
    t.equal(await chainOf(await createRenewedCa({ identification, extensions })), undefined)
  })

t.test('a certificate that is no CA vouches for nobody', async t => {
  const leaf = await ca.issue(ca.renewed)
  const below = new X509Certificate(pemsOf(await ca.issue([leaf])))
  t.equal(renewedChain(below, authoritiesOf(pemsOf(leaf, ...ca.renewed)), Date.now()), undefined)
})

t.test('no more CAs stand in a row than the one above them allows', async t => {
  for (const [pathLength, isLed] of [
    [0, false],
    [1, true]
  ] as const) {
    const rooted = await createRenewedCa({ identification, rootPathLength: pathLength })
    t.equal((await chainOf(rooted)) !== undefined, isLed, `path length ${pathLength}`)
  }
})
