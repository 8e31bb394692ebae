import t, { type Test } from 'tap'
import { X509Crl } from '../../src/pki/x509.ts'
import { createCertificateRequest } from '../../src/simulation/certificate-request.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { generateKeyPair } from '../../src/simulation/key-pair.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { ask, identityHeaders } from './ask.ts'

const authority = await createAuthority()
const admin = await authority.issue({ certname: 'admin', extensions: { pp_cli_auth: 'true' } })
const asAdmin = identityHeaders('admin', admin)
const v1 = '/puppet-ca/v1'

async function startCa(t: Test, autosign = true): Promise<SimulatedMaster> {
  const master = await startSimulatedMaster({ name: 'puppetca', ca: authority, autosign })
  t.teardown(master.close)
  return master
}

async function submit(master: SimulatedMaster, certname: string, subject = certname) {
  const body = await createCertificateRequest({ certname: subject }, await generateKeyPair('ec'))
  const headers = { 'Content-Type': 'text/plain' }
  return ask(master, `${v1}/certificate_request/${certname}`, { method: 'PUT', headers, body })
}

t.test('bundle and CRL need no identity, and are not sent twice to who has them', async t => {
  const ca = await startCa(t)
  for (const path of [
    `${v1}/certificate/ca`,
    `${v1}/certificate_revocation_list/ca`,
    '/production/certificate/ca'
  ]) {
    const { status, headers } = await ask(ca, path)
    t.equal(status, 200)
    const again = await ask(ca, path, { headers: { 'If-Modified-Since': String(headers['last-modified']) } })
    t.match(again, { status: 304, text: '' })
  }
  t.match(await ask(ca, `${v1}/certificate/ca`), { text: authority.bundle })
})

t.test('a request is answered once it is signed', async t => {
  const ca = await startCa(t, false)
  t.match(await submit(ca, 'web01'), { status: 200, text: '', headers: { 'content-type': /^text\/plain/ } })
  t.equal((await ask(ca, `${v1}/certificate/web01`)).status, 404)
  t.match(await ask(ca, `${v1}/certificate_request/web01`), { status: 200, text: /CERTIFICATE REQUEST/ })
  await ca.ca?.sign('web01')
  t.match(await ask(ca, `${v1}/certificate/web01`), { status: 200, text: /BEGIN CERTIFICATE/ })
  t.equal((await ask(ca, `${v1}/certificate_request/web01`)).status, 404)
})

t.test('improper requests are refused', async t => {
  const ca = await startCa(t)
  t.match(await submit(ca, 'web01', 'web02'), { status: 400, text: /does not match requested key/ })
  await submit(ca, 'web01')
  t.match(await submit(ca, 'web01'), { status: 400, text: /already has a signed certificate/ })
  t.equal((await ask(ca, `${v1}/certificate_request/web03`, { method: 'PUT', body: 'nonsense' })).status, 400)
})

t.test('only who has pp_cli_auth signs, revokes and lists', async t => {
  const ca = await startCa(t, false)
  await submit(ca, 'web01')
  const path = `${v1}/certificate_status/web01`
  const set = (state: string, headers: object) =>
    ask(ca, path, { method: 'PUT', headers: { ...headers }, body: JSON.stringify({ desired_state: state }) })
  t.equal((await set('signed', identityHeaders('web02'))).status, 403)
  t.equal((await set('signed', asAdmin)).status, 204)
  t.match(await ask(ca, path, { headers: asAdmin }), { status: 200, text: /"state":"signed"/ })
  t.equal((await set('revoked', asAdmin)).status, 204)
  t.match(await ask(ca, `${v1}/certificate_statuses/any_key`, { headers: asAdmin }), {
    text: /"state":"revoked"/
  })
  const { text } = await ask(ca, `${v1}/certificate_revocation_list/ca`)
  const [signing = '', root = ''] = text.split(/(?<=END X509 CRL-----\n)/)
  t.equal(new X509Crl(signing).entries.length, 1)
  t.equal(new X509Crl(root).entries.length, 0)
})

t.test('the CA says that it runs', async t => {
  const ca = await startCa(t)
  t.match(await ask(ca, '/status/v1/simple/ca'), { status: 200, text: 'running' })
  const { text } = await ask(ca, '/status/v1/services')
  t.equal(JSON.parse(text).ca.service_version, '8.7.0')
})
