import { writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const gone = await pki.authority.issue({ certname: 'gone.example.com' })
const crl = await pki.authority.crl({ revoked: [gone.serial] })
const certificateTarget = '/puppet-ca/v1/certificate/ca'
const crlTarget = '/puppet-ca/v1/certificate_revocation_list/ca'
/** An agent that comes back when told to: nothing is waited for. */
const headers = { 'x-puppet-version': '8.10.0' }
const good = { certificate: pki.authority.bundle, crl }

/** A balancer whose CA gave these texts, and what it says to who reads them. */
async function startScene(
  t: Test,
  { certificate, crl }: typeof good,
  script?: (request: IncomingMessage, response: ServerResponse) => void
) {
  const ca = await startScriptedMaster(t, (request, response) => {
    script?.(request, response)
    response.end(request.url?.includes('revocation') ? crl : certificate)
  })
  const file = join(t.testdir(), 'crl.pem')
  writeFileSync(file, good.crl)
  const config = testConfig(
    pki,
    { ca: ca.url, masters: [{ name: 'm1', url: ca.url }] },
    {
      caCache: true,
      listen: { workers: 0 },
      tls: { crl: { file, refreshMs: 60_000, expired: 'keep', place: 'test.yaml' } }
    }
  )
  const app = await startBalancer(t, config)
  const ask = (path: string, identity?: Parameters<typeof connectAgent>[3]) =>
    connectAgent(t, pki, app.port, identity).ask({ path, headers })
  return { ca, ask }
}

t.test('who is refused is given no copy', async t => {
  const { ca, ask } = await startScene(t, good)
  await ca.kill()
  for (const path of [certificateTarget, crlTarget]) {
    t.equal((await ask(path)).status, 200, 'as anybody is')
    const answer = await ask(path, gone)
    t.match(answer, { status: 403, body: /^The client certificate was refused: it is revoked/ })
  }
})

t.test('nobody but the balancer says that an answer is a copy', async t => {
  const { ask } = await startScene(t, good, (_request, response) => {
    response.setHeader('X-Puppet-LB-Stale', '1')
  })
  for (const path of [certificateTarget, '/puppet/v3/file_content/modules/a/b'])
    t.equal((await ask(path)).headers['x-puppet-lb-stale'], undefined, path)
})

const stranger = await createAuthority()
for (const [what, given] of Object.entries({
  'pages of a proxy': { certificate: '<html>Welcome</html>', crl: '<html>Welcome</html>' },
  "another CA's": { certificate: stranger.bundle, crl: await stranger.crl() },
  'the wrong ones': { certificate: crl, crl: pki.authority.bundle },
  'longer than 32 MiB': {
    certificate: `${pki.authority.bundle}${'#'.repeat(33 * 1024 * 1024)}`,
    crl: `${'#'.repeat(33 * 1024 * 1024)}\n${crl}`
  }
}))
  t.test(`documents that are ${what} are passed on and not kept`, async t => {
    const { ca, ask } = await startScene(t, given)
    if (what !== 'longer than 32 MiB') t.equal((await ask(certificateTarget)).body, given.certificate)
    await ca.kill()
    for (const path of [certificateTarget, crlTarget])
      t.match(await ask(path), { status: 503, headers: { 'x-puppet-lb-reason': 'ca-unavailable' } })
  })
