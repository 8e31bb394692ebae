import { X509Certificate } from 'node:crypto'
import t, { type Test } from 'tap'
import { generateKeyPair } from '../../src/pki/key-pair.ts'
import { X509Crl } from '../../src/pki/x509.ts'
import { createCaRegistry } from '../../src/simulation/ca-registry.ts'
import { createCertificateRequest } from '../../src/simulation/certificate-request.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { ask, identityHeaders } from './ask.ts'

const authority = await createAuthority()
const v1 = '/puppet-ca/v1'

async function startCa(t: Test): Promise<SimulatedMaster> {
  const master = await startSimulatedMaster({ name: 'puppetca', ca: authority })
  t.teardown(master.close)
  return master
}

async function submit(master: SimulatedMaster, certname: string, subject = certname) {
  const body = await createCertificateRequest({ certname: subject }, await generateKeyPair('ec'))
  const headers = { 'Content-Type': 'text/plain' }
  return ask(master, `${v1}/certificate_request/${certname}`, { method: 'PUT', headers, body })
}

t.test('bundle and revocation lists need no identity, at new URLs and old', async t => {
  const ca = await startCa(t)
  for (const prefix of [v1, '/production']) {
    t.match(await ask(ca, `${prefix}/certificate/ca`), { status: 200, text: authority.bundle })
    const { status, text } = await ask(ca, `${prefix}/certificate_revocation_list/ca`)
    t.equal(status, 200)
    const [signing = '', root = ''] = text.split(/(?<=END X509 CRL-----\n)/)
    t.same([new X509Crl(signing).entries.length, new X509Crl(root).entries.length], [0, 0])
  }
})

t.test('a request is signed at once', async t => {
  const ca = await startCa(t)
  t.equal((await ask(ca, `${v1}/certificate/web01`)).status, 404)
  t.match(await submit(ca, 'web01'), { status: 200, text: '', headers: { 'content-type': /^text\/plain/ } })
  const { status, text } = await ask(ca, `${v1}/certificate/web01`)
  t.equal(status, 200)
  t.equal(new X509Certificate(text).subject, 'CN=web01')
})

t.test('improper requests are refused', async t => {
  const ca = await startCa(t)
  t.match(await submit(ca, 'web01', 'web02'), { status: 400, text: /does not match requested key/ })
  await submit(ca, 'web01')
  t.match(await submit(ca, 'web01'), { status: 400, text: /already has a signed certificate/ })
  t.equal((await ask(ca, `${v1}/certificate_request/web03`, { method: 'PUT', body: 'nonsense' })).status, 400)
})

const operator = await authority.issue({ certname: 'operator', extensions: { pp_cli_auth: 'true' } })
const asOperator = identityHeaders('operator', operator)

function setState(ca: SimulatedMaster, certname: string, state: string, headers = asOperator) {
  const body = JSON.stringify({ desired_state: state })
  return ask(ca, `${v1}/certificate_status/${certname}`, { method: 'PUT', headers, body })
}

async function revokedBy(ca: SimulatedMaster): Promise<readonly string[]> {
  const { text } = await ask(ca, `${v1}/certificate_revocation_list/ca`)
  const [signing = ''] = text.split(/(?<=END X509 CRL-----\n)/)
  return new X509Crl(signing).entries.map(({ serialNumber }) => serialNumber.toUpperCase())
}

t.test(
  'an operator revokes a certificate, which stays, and deletes it, after which its name is free',
  async t => {
    const ca = await startCa(t)
    await submit(ca, 'web01')
    const { text: certificate } = await ask(ca, `${v1}/certificate/web01`)
    t.equal((await setState(ca, 'web01', 'revoked')).status, 204)
    t.same(await revokedBy(ca), [new X509Certificate(certificate).serialNumber])
    t.match(await ask(ca, `${v1}/certificate/web01`), { status: 200, text: certificate })
    t.match(await submit(ca, 'web01'), { status: 400, text: /already has a signed certificate/ })

    const remove = () => ask(ca, `${v1}/certificate_status/web01`, { method: 'DELETE', headers: asOperator })
    t.equal((await remove()).status, 204)
    t.equal((await remove()).status, 404)
    t.equal((await ask(ca, `${v1}/certificate/web01`)).status, 404)
    t.equal((await submit(ca, 'web01')).status, 200)
    t.equal((await revokedBy(ca)).length, 1, 'the new certificate is another')
  }
)

t.test('an operator signs a request that waits', async t => {
  const registry = createCaRegistry(authority, { autosign: false })
  const ca = await startSimulatedMaster({ name: 'puppetca', ca: registry })
  t.teardown(ca.close)
  await submit(ca, 'web01')
  t.match(await setState(ca, 'web01', 'revoked'), { status: 409, text: /without a signed certificate$/ })
  t.equal((await setState(ca, 'web01', 'signed')).status, 204)
  t.equal((await ask(ca, `${v1}/certificate/web01`)).status, 200)
  t.match(await setState(ca, 'web01', 'signed'), { status: 409, text: /without a certificate request$/ })
})

t.test('nobody else may, and what is asked wrongly is refused', async t => {
  const ca = await startCa(t)
  await submit(ca, 'web01')
  const agent = identityHeaders('web01', await authority.issue({ certname: 'web01' }))
  t.equal((await setState(ca, 'web01', 'revoked', agent)).status, 403)
  t.equal((await setState(ca, 'web01', 'revoked', {})).status, 403)
  t.match(await setState(ca, 'web02', 'revoked'), { status: 404, text: 'Invalid certificate subject.' })
  t.match(await setState(ca, 'web01', 'gone'), { status: 400, text: /^State gone invalid; Must specify/ })
  const form = { ...asOperator, 'Content-Type': 'application/x-www-form-urlencoded' }
  t.equal((await setState(ca, 'web01', 'revoked', form)).status, 415, 'as curl sends it by itself')
  t.same(await revokedBy(ca), [])
})

t.test('what operators list at a CA is not there', async t => {
  const ca = await startCa(t)
  t.equal((await ask(ca, `${v1}/certificate_statuses/any_key`, { headers: asOperator })).status, 404)
})

t.test('the CA says that it runs', async t => {
  const ca = await startCa(t)
  t.match(await ask(ca, '/status/v1/simple/ca'), { status: 200, text: 'running' })
  const { text } = await ask(ca, '/status/v1/services')
  t.equal(JSON.parse(text).ca.service_version, '8.7.0')
})
