import t from 'tap'
import { createEnrolledAgent } from './support/agent.ts'
import { reaches } from './support/background.ts'
import { generation } from './support/debian.ts'
import { caMaster, compileMasters } from './support/layout.ts'
import { accessLogOf } from './support/master.ts'
import { askProxy, startProxy } from './support/proxy.ts'

/** Puppet Server notes a request after it has sent the answer. */
const LOGGED_MS = 5000
/** Of the formats an old URL may ask for, the one this Puppet Server still speaks: 8 has no PSON any more. */
const format = generation === 7 ? 'pson' : 'json'
const FACTS_FORMATS = { pson: 'pson', json: 'application/json' } as const

t.teardown((await startProxy({ name: 'legacy-urls' })).end)

const agent = await createEnrolledAgent({ certname: 'old-1.example.test', role: 'museum' })

t.test('/production/certificate/ca is the CA bundle, for a machine without certificate', async t => {
  const old = await askProxy('/production/certificate/ca', { headers: { accept: 's' } })
  const now = await askProxy('/puppet-ca/v1/certificate/ca', { headers: { accept: 'text/plain' } })
  t.equal(old.status, 200, 'status', { body: old.body })
  t.equal(old.body.match(/BEGIN CERTIFICATE/g)?.length, 2, 'root and intermediate')
  t.equal(old.body, now.body)
})

t.test(
  '/production/certificate_revocation_list/ca is the whole CRL, with and without certificate',
  async t => {
    const path = '/production/certificate_revocation_list/ca'
    const unknown = await askProxy(path, { headers: { accept: 's' } })
    const known = await askProxy(path, { headers: { accept: 's' }, as: agent.ssl })
    t.equal(unknown.status, 200, 'status', { body: unknown.body })
    t.equal(unknown.body.match(/BEGIN X509 CRL/g)?.length, 2, 'of root and intermediate')
    t.equal(known.body, unknown.body)
  }
)

t.test('/production/certificate/<certname> is the certificate the agent got', async t => {
  const { status, body } = await askProxy(`/production/certificate/${agent.certname}`, {
    headers: { accept: 's' }
  })
  t.equal(status, 200, 'status', { body })
  t.match(body, /^-----BEGIN CERTIFICATE-----/)
})

t.test('the URLs of certificates reached the CA master and nobody else', async t => {
  const isOld = (line: string) => /"GET \/production\/certificate/.test(line)
  t.ok(await reaches(async () => accessLogOf(caMaster).filter(isOld).length === 4, LOGGED_MS), 'four of them')
  for (const master of compileMasters) t.same(accessLogOf(master).filter(isOld), [])
})

t.test('/production/node/<certname> is the node, for its own agent only', async t => {
  const path = `/production/node/${agent.certname}`
  const own = await askProxy(path, { headers: { accept: format }, as: agent.ssl })
  t.equal(own.status, 200, 'status', { body: own.body })
  t.match(JSON.parse(own.body), { name: agent.certname, environment: 'production' })
  t.equal((await askProxy(path, { headers: { accept: format } })).status, 403, 'and not for a stranger')
})

for (const method of ['POST', 'GET'] as const) {
  t.test(`/production/catalog/<certname> by ${method} is a catalog with the trusted role in it`, async t => {
    const { status, body } = await askCatalog(method)
    t.equal(status, 200, 'status', { body })
    t.match(body, /"name":"old-1\.example\.test"/)
    t.match(body, /certname=old-1\.example\.test role=museum authenticated=remote/)
  })
}

t.test('catalogs of the old URL were compiled by compile masters', async t => {
  const isOld = (line: string) => /^200 "(GET|POST) \/production\/catalog\//.test(line)
  t.same(accessLogOf(caMaster).filter(isOld), [])
  const compiled = () => compileMasters.flatMap(master => accessLogOf(master).filter(isOld))
  t.ok(await reaches(async () => compiled().length === 2, LOGGED_MS), 'one by POST, one by GET')
})

if (generation === 8) {
  t.test('Puppet Server 8 tells a 3.x agent in its own words that it knows no PSON', async t => {
    const path = `/production/node/${agent.certname}`
    const { status, headers, body } = await askProxy(path, {
      headers: { accept: 'pson, raw' },
      as: agent.ssl
    })
    t.equal(status, 406)
    t.match(body, /No supported formats are acceptable/)
    t.notOk(headers['x-puppet-lb-reason'], 'no words of the balancer')
  })
}

/** A catalog as a 3.x agent asks for it: facts as a form, encoded twice; by GET when the form is short. */
function askCatalog(method: 'GET' | 'POST') {
  const facts = { name: agent.certname, values: { probe_root: agent.root } }
  const form = new URLSearchParams({
    facts_format: FACTS_FORMATS[format],
    facts: encodeURIComponent(JSON.stringify(facts))
  })
  const path = `/production/catalog/${agent.certname}`
  const headers = { accept: `${format}, dot, raw` }
  if (method === 'GET') return askProxy(`${path}?${form}`, { headers, as: agent.ssl })
  return askProxy(path, {
    method,
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    as: agent.ssl
  })
}
