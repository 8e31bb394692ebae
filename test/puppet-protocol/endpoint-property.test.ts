import t from 'tap'
import { classify } from '../../src/puppet/endpoint.ts'
import { checkPath } from '../../src/puppet/path.ts'
import { encodeSome, pick, seeded } from './seeded.ts'

const rounds = 60_000
const heads = [
  'puppet-ca',
  'puppet',
  'production',
  'status',
  'metrics',
  'puppet-caX',
  'my-env',
  'RPC2',
  'packages',
  'puppet-admin-api'
] as const
const seconds = [
  'v1',
  'v3',
  'v4',
  'certificate',
  'certificates_foo',
  'certificate_request',
  'catalog',
  'cert',
  'Certificate',
  'node'
] as const
const tails = [
  'ca',
  'simple',
  'services',
  'certificate',
  'file_content',
  'catalog',
  'compile',
  'web01',
  'x/y',
  'ca b',
  'caü',
  'jruby-pool'
] as const
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'] as const
const agents = [undefined, 'Puppet/8.10.0', 'PuppetserverCaCli'] as const

/** DESIGN 4.2 as it is written there, on the form a master sees. */
function isForCa(target: string, userAgent: string | undefined): boolean {
  const seen = decodeURIComponent(target.split('?')[0] ?? '').replace(/\/+/g, '/')
  if (/^\/puppet-ca(\/|$)/.test(seen) || /^\/\w+\/certificate[^/]*(\/|$)/.test(seen)) return true
  if (/^\/status\/v1\/(simple|services)\/ca(\/|$)/.test(seen)) return true
  return userAgent === 'PuppetserverCaCli' && /^\/status\/v1\/services\/?$/.test(seen)
}

function target(random: () => number): string {
  let path = random() < 0.1 ? '//' : '/'
  const words: string[] = [pick(random, heads), pick(random, seconds)]
  for (let left = Math.floor(random() * 4); left > 0; left--) words.push(pick(random, tails))
  for (const word of words.slice(0, 1 + Math.floor(random() * words.length)))
    path += encodeSome(random, word, random() < 0.5 ? 0 : 0.4) + pick(random, ['/', '/', '/', '//', '%2f'])
  if (random() < 0.5) path = path.replace(/\/+$/, '') || '/'
  return random() < 0.2 ? `${path}?x=/puppet-ca/certificate` : path
}

t.test('what the CA rule names goes to the CA, once, and nothing else does', async t => {
  const random = seeded(413)
  let forCa = 0
  let checked = 0
  for (let round = 0; round < rounds; round++) {
    const url = target(random)
    if (checkPath(url) !== undefined) continue
    checked++
    const userAgent = pick(random, agents)
    const method = pick(random, methods)
    const endpoint = classify(method, url, userAgent)
    const expected = isForCa(url, userAgent)
    if (expected) forCa++
    const isCa = endpoint.class === 'ca' && endpoint.action === 'ca' && !endpoint.repeatable
    if (isCa !== expected) t.fail(`${method} ${url} ${userAgent}: ${JSON.stringify(endpoint)}`)
  }
  t.ok(forCa > checked / 20 && forCa < checked / 2, `${forCa} of ${checked} were for the CA`)
})

t.test('a path and its decoded form get the same verdict', async t => {
  const random = seeded(414)
  let checked = 0
  for (let round = 0; round < rounds; round++) {
    const url = target(random).split('?')[0] ?? '/'
    if (checkPath(url) !== undefined) continue
    checked++
    const method = pick(random, methods)
    const same = classify(method, url, undefined) === classify(method, decodeURIComponent(url), undefined)
    if (!same) t.fail(`${method} ${url}`)
  }
  t.ok(checked > rounds / 10, `${checked} were compared`)
})

t.test('only reads, catalogs and other finds are repeatable', async t => {
  const random = seeded(415)
  for (let round = 0; round < rounds; round++) {
    const method = pick(random, methods)
    const url = target(random)
    const { class: endpointClass, action, repeatable, restricted } = classify(method, url, undefined)
    if (!repeatable) continue
    const isRead = method === 'GET' || method === 'HEAD'
    const isFind = method === 'POST' && ['catalog', 'light'].includes(endpointClass)
    if (!(isRead || isFind) || action !== 'master' || restricted) t.fail(`${method} ${url}`)
  }
  t.pass('none found')
})
