import t, { type Test } from 'tap'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { ask, identityHeaders } from './ask.ts'

const authority = await createAuthority()
/** Three angle brackets in a row make a plus sign in base64, wherever they come to lie. */
const extensions = { pp_role: 'web', pp_project: '>>>>>>' }
const web01 = await authority.issue({ certname: 'web01', extensions })
const encoded = encodeURIComponent(web01.cert)

async function node(t: Test, certificate: string) {
  const master = await startSimulatedMaster({ name: 'master-1' })
  t.teardown(master.close)
  const headers = { ...identityHeaders('web01'), 'X-Client-Cert': certificate }
  const { status, text } = await ask(master, '/puppet/v3/node/web01?environment=production', { headers })
  return { status, text, caller: master.requests[0]?.caller }
}

t.test('the certificate in the header brings trusted facts', async t => {
  t.match(await node(t, encoded), {
    status: 200,
    caller: { certname: 'web01', extensions: { pp_role: 'web' } }
  })
})

t.test('a header that is there but has no certificate is refused', async t => {
  t.match(await node(t, ''), { status: 400, text: /No certs found/ })
})

t.test('a chain is refused', async t => {
  t.match(await node(t, encodeURIComponent(web01.chain)), { status: 400, text: /Only 1 PEM .* 2 found/ })
})

t.test('a certificate that is not wholly escaped is refused', async t => {
  const bare = encoded.replaceAll('%2B', '+')
  t.not(bare, encoded)
  t.match(await node(t, bare), { status: 400, text: /Unable to parse/ })
  t.match(await node(t, '%zz'), { status: 400, text: /URL decode/ })
})

t.test('a name with escaped characters is read as RFC 2253 has it', async t => {
  const master = await startSimulatedMaster({ name: 'master-1' })
  t.teardown(master.close)
  const headers = { 'X-Client-Verify': 'SUCCESS', 'X-Client-DN': 'O=a\\,CN\\=x,CN=web\\2C01\\+a' }
  await ask(master, '/puppet/v3/node/web01?environment=production', { headers })
  t.equal(master.requests[0]?.caller?.certname, 'web,01+a')
})
