import t from 'tap'
import { createEnrolledAgent, runAgent } from './support/agent.ts'
import { operatorCommand, saveCrl } from './support/authority.ts'
import { reaches } from './support/background.ts'
import { scratch } from './support/layout.ts'
import { askProxy, startProxy } from './support/proxy.ts'

/** The balancer reads its file again every second. */
const NOTICED_MS = 15_000

const crlFile = scratch('proxy/crl.pem')
await saveCrl(crlFile)
t.teardown((await startProxy({ name: 'revocation', crlFile })).end)

const sacked = await createEnrolledAgent({ certname: 'sacked.example.test' })
const kept = await createEnrolledAgent({ certname: 'kept.example.test' })
const node = ({ certname }: { readonly certname: string }) =>
  `/puppet/v3/node/${certname}?environment=production`

t.test('with a list that names nobody, everybody is served', async t => {
  t.equal((await askProxy(node(sacked), { as: sacked.ssl })).status, 200)
})

t.test('an operator revokes a certificate through the balancer', async t => {
  t.match(
    await operatorCommand('revoke', '--certname', sacked.certname),
    /Certificate for sacked.* has been revoked/
  )
})

t.test('once the new list lies in its place, the revoked agent is refused with a sentence', async t => {
  await saveCrl(crlFile)
  const refused = async () => (await askProxy(node(sacked), { as: sacked.ssl })).status === 403
  t.ok(await reaches(refused, NOTICED_MS), 'refused')
  const { headers, body } = await askProxy(node(sacked), { as: sacked.ssl })
  t.match(headers, { 'content-type': /^text\/plain/, 'x-puppet-lb-reason': /./ })
  t.match(body, /certificate.*revoked/i)
})

t.test('its run fails and shows that sentence, where others go on', async t => {
  const { status, output } = await runAgent(sacked)
  t.equal(status, 1, 'the run failed', { output })
  t.match(output, /403.*revoked/)
  t.equal((await runAgent(kept)).status, 2)
})
