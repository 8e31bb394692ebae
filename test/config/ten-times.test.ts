import t from 'tap'
import { diffOf } from '../../src/config/diff.ts'
import { maxRoutes } from '../../src/model/route.ts'
import { maxMasters } from '../../src/model/settings.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { authority, load, problemsOf } from './fixture.ts'

/** Ten times what a large site has. */
const AUTHORITIES = 30
const NAMES = 5
const ADMINISTRATORS = 1_000
const NETWORKS = 1_000

const list = <Value>(length: number, make: (index: number) => Value) =>
  Array.from({ length }, (_, index) => make(index))

/** As an inventory writes it: JSON is YAML. `first`: the weight of the first master. */
const site = (first: number, pool = 'default') =>
  JSON.stringify({
    tls: { cert: 'server.pem', key: 'server.key', ca: 'all.pem', crl: { file: 'all-crl.pem' } },
    upstream: { tls: { ca: 'all.pem' } },
    ca: { url: 'https://ca.example.com:8140' },
    listen: { proxyProtocol: { from: list(NETWORKS, index => `10.${index >> 8}.${index & 255}.0/24`) } },
    access: { administrators: list(ADMINISTRATORS, index => `operator-${index}.example.com`) },
    masters: list(maxMasters, index => ({
      name: `m${index}`,
      url: `https://m${index}.example.com:8140`,
      weight: index === 0 ? first : 1
    })),
    routes: list(maxRoutes, index => ({
      certname: list(NAMES, name => `*-${name}.site-${index}.example.com`),
      pool
    }))
  })

const others = await Promise.all(
  list(AUTHORITIES - 1, index => createAuthority({ name: `puppet-${index}`, intermediate: false }))
)
const all = [authority, ...others]
const files = {
  'all.pem': all.map(({ bundle }) => bundle).join(''),
  'all-crl.pem': (await Promise.all(all.map(each => each.crl()))).join('')
}

t.test('every file ten times as long as that of a large site is read, and compared on a reload', t => {
  const beganMs = process.cpuUsage().user / 1_000
  const before = load(t, site(1), { files })
  const after = load(t, site(2), { files })
  const { settings } = before
  t.same(
    [settings.masters, settings.routes, settings.access.administrators].map(({ length }) => length),
    [maxMasters, maxRoutes, ADMINISTRATORS]
  )
  t.equal(settings.listen.proxyProtocol.from.length, NETWORKS)
  t.equal(settings.tls.ca.match(/BEGIN/g)?.length, AUTHORITIES + 1, 'the first has an intermediate')
  t.same(before.warnings, [])
  t.same(
    diffOf(before, after).changed.map(({ key }) => key),
    ['masters.m0.weight']
  )
  const tookMs = process.cpuUsage().user / 1_000 - beganMs
  t.ok(tookMs < 10_000, `${Math.round(tookMs)} ms of CPU for two of them`)
  t.end()
})

t.test('what is wrong a thousand times in such a file is told a thousand times', t => {
  const problems = problemsOf(t, site(1, 'nowhere'), { files })
  t.equal(problems.length, maxRoutes)
  t.ok(problems.every((line, index) => line.includes(`routes[${index}].pool`)))
  t.end()
})
