import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { startScene } from './support/scene.ts'

const tool = { 'user-agent': 'PuppetserverCaCli/2.6.0 Ruby/3.2.0' }

/** What only the CA may see, in every generation of URL and in spellings that mean the same. */
const forCa: readonly { method?: string; path: string; headers?: Record<string, string>; body?: string }[] = [
  { path: '/puppet-ca/v1/certificate/ca' },
  { path: '/puppet-ca/v1/certificate/agent1?environment=production' },
  { path: '/puppet-ca/v1/certificate_revocation_list/ca' },
  { method: 'HEAD', path: '/puppet-ca/v1/certificate/ca' },
  { method: 'PUT', path: '/puppet-ca/v1/certificate_request/agent1', body: 'csr' },
  { path: '/puppet-ca/v1/certificate_request/agent1' },
  { method: 'DELETE', path: '/puppet-ca/v1/certificate_request/agent1' },
  { method: 'PUT', path: '/puppet-ca/v1/certificate_status/agent1', body: '{"desired_state":"signed"}' },
  { method: 'DELETE', path: '/puppet-ca/v1/certificate_status/agent1' },
  { path: '/puppet-ca/v1/certificate_statuses/any_key' },
  { method: 'POST', path: '/puppet-ca/v1/certificate_renewal', body: '' },
  { method: 'PUT', path: '/puppet-ca/v1/clean', body: '{"certnames":["agent1"]}' },
  { method: 'POST', path: '/puppet-ca/v1/sign', body: '{}' },
  { method: 'POST', path: '/puppet-ca/v1/sign/all' },
  { path: '/puppet-ca/v1/expirations' },
  { path: '/puppet-ca' },
  { path: '/puppet-ca/v2/whatever/comes' },
  { path: '/production/certificate/ca' },
  { path: '/production/certificate/agent1' },
  { method: 'PUT', path: '/production/certificate_request/agent1', body: 'csr' },
  { path: '/production/certificate_requests/x' },
  { path: '/production/certificate_revocation_list/ca' },
  { path: '/production/certificate_status/agent1' },
  { path: '/production/certificate_statuses/x' },
  { path: '/puppet/certificate/ca' },
  { path: '/status/certificate/ca' },
  { path: '/_env_9/certificate_revocation_list/ca' },
  { path: '/status/v1/simple/ca' },
  { path: '/status/v1/services/ca' },
  { path: '/status/v1/services', headers: tool },
  { path: '/%70uppet-ca/v1/certificate/ca' },
  { path: '/puppet%2dca/v1/certificate/ca' },
  { path: '//puppet-ca//v1//certificate//ca' },
  { path: '/production/%63ertificate/ca' },
  { path: '/%70roduction/certificate%5frequest/agent1' },
  { path: '//production//certificate/ca' },
  { path: '/status/v1/simple/%63a' }
]

/** What has the word in it and is none of the CA's business. */
const forMasters = [
  '/puppet/v3/node/certificate',
  '/puppet/v3/file_metadata/modules/certificate/ca.pem',
  '/puppet/v3/file_content/modules/puppet-ca/v1/certificate/ca',
  '/production/node/certificate',
  '/production/file_content/certificate/ca',
  '/production/catalog/certificate_request',
  '/puppet/v3/catalog/puppet-ca?certificate=ca',
  '/production/node/ca?/certificate/ca'
]

for (const hasCertificate of [false, true]) {
  t.test(`${hasCertificate ? 'with' : 'without'} a certificate, CA traffic meets the CA alone`, async t => {
    const { app, pki, ca, masters } = await startScene(t, { masters: 2 })
    const identity = hasCertificate ? await pki.authority.issue({ certname: 'agent1' }) : undefined
    const agent = connectAgent(t, pki, app.port, identity)
    for (const question of forCa) t.equal((await agent.ask(question)).status, 200, question.path)
    t.same(
      ca.seen.map(({ method, url }) => `${method} ${url}`),
      forCa.map(({ method = 'GET', path }) => `${method} ${path}`)
    )
    t.same(
      masters.map(({ seen }) => seen.length),
      [0, 0]
    )
  })
}

t.test('what only mentions certificates does not bother the CA', async t => {
  const { app, pki, ca, masters } = await startScene(t)
  const agent = connectAgent(t, pki, app.port)
  for (const path of forMasters) t.equal((await agent.ask({ path })).status, 200, path)
  t.same(
    masters[0]?.seen.map(({ url }) => url),
    forMasters
  )
  t.equal(ca.seen.length, 0)
})

t.test('with the CA dead, its traffic waits for it rather than meet a compile master', async t => {
  const { app, pki, ca, masters } = await startScene(t, { masters: 2 })
  await ca.kill()
  const agent = connectAgent(t, pki, app.port)
  for (const question of forCa) {
    const answer = await agent.ask({
      ...question,
      headers: { 'x-puppet-version': '8.10.0', ...question.headers }
    })
    t.equal(answer.status, 503, question.path)
    t.equal(answer.headers['x-puppet-lb-reason'], 'ca-unavailable')
    t.match(answer.headers['retry-after'], /^\d+$/)
  }
  t.same(
    masters.map(({ seen }) => seen.length),
    [0, 0]
  )
})
