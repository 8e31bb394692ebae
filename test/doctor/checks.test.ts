import t from 'tap'
import { checkClocks } from '../../src/doctor/checks/clock.ts'
import { checkCode, checkServedCode } from '../../src/doctor/checks/code.ts'
import { checkMachine } from '../../src/doctor/checks/machine.ts'
import { checkNames } from '../../src/doctor/checks/names.ts'
import { checkPermissions } from '../../src/doctor/checks/permission.ts'
import { checkReachability } from '../../src/doctor/checks/reachability.ts'
import { checkRunning } from '../../src/doctor/checks/running.ts'
import { checkServerFiles } from '../../src/doctor/checks/server-files.ts'
import { checkVersions } from '../../src/doctor/checks/version.ts'
import { diagnosisOf, type Finding, findingOf } from '../../src/doctor/finding.ts'
import { causeKinds } from '../../src/upstream/cause.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { inShort } from '../support/doctor-site.ts'
import { memberFacts, siteFacts } from './facts.ts'

const short = (findings: readonly Finding[]) => findings.map(inShort)

t.test('the worst comes first, and notes alone are no fault', async t => {
  const note = findingOf('machine')('note', 'a', '', '')
  const warning = findingOf('code')('warning', 'b', '', '')
  const error = findingOf('code')('error', 'c', '', '')
  t.same(short(diagnosisOf([note, warning, error]).findings), [error, warning, note].map(inShort))
  t.same(diagnosisOf([note]).ok, true)
  t.same(diagnosisOf([note, warning]).ok, false)
})

t.test('whatever keeps a master from answering has a remedy', async t => {
  for (const kind of causeKinds) {
    const site = siteFacts([{ trouble: { kind, text: 'it failed' } }])
    const [finding] = checkReachability(site, url => new URL(url).hostname)
    t.match(finding, { level: 'error', subject: 'alpha', message: /it failed\.$/, remedy: /./ }, kind)
  }
})

t.test('names of DNS that lead to nobody are told, unless a master of that name is', async t => {
  const site = siteFacts([{ trouble: { kind: 'dns', text: 'its name is not known (ENOTFOUND)' } }], {
    unknownNames: [
      { name: 'alpha.example.com', cause: 'ENOTFOUND' },
      { name: '_x-puppet._tcp.example.com', cause: 'ENODATA' }
    ],
    remarks: ['two addresses']
  })
  t.same(short(checkReachability(site, url => new URL(url).hostname)), [
    'error reachability alpha',
    'error reachability _x-puppet._tcp.example.com',
    'note reachability DNS'
  ])
})

t.test('a clock is judged by how far it is off, and ours when all agree', async t => {
  const clocks = (...aheadMs: number[]) =>
    short(checkClocks(siteFacts(aheadMs.map((each, index) => ({ name: `m${index}`, aheadMs: each })))))
  t.same(clocks(900, -2_000), [])
  t.same(clocks(0, 60_000), ['warning clock m1'])
  t.same(clocks(0, -600_000), ['error clock m1'])
  t.same(clocks(400_000, 401_000), ['error clock this machine'])
  t.same(clocks(400_000, -400_000), ['error clock m0', 'error clock m1'])
  t.same(clocks(60_000), ['warning clock m0'], 'one alone proves nothing against ours')
})

t.test('versions are compared where masters stand in for each other', async t => {
  const [a, b] = [
    { name: 'a', version: '8.7.0' },
    { name: 'b', version: '8.6.0' }
  ]
  t.same(short(checkVersions(siteFacts([a, b]))), ['warning version b'])
  t.same(short(checkVersions(siteFacts([a, { ...b, pools: ['canary'] }]))), [])
  t.same(short(checkVersions(siteFacts([a, { ...b, version: undefined }]))), [])
})

t.test('what is known of a version is told of those it concerns', async t => {
  t.same(short(checkVersions(siteFacts([{ version: '2.7.2' }]))), ['warning version alpha'])
  t.same(short(checkVersions(siteFacts([{ version: '2.7.2', capacity: 4 }]))), [])
  const ca = memberFacts({ name: 'ca', url: 'https://ca.example.com', version: '8.2.1' })
  t.match(checkVersions(siteFacts([], { ca })), [{ subject: 'ca', message: /CVE-2023-5255/ }])
  t.same(checkVersions(siteFacts([{ version: '8.2.1' }])), [], 'only a CA renews')
})

t.test('code that a running balancer has seen to differ for longer than a deployment is told', async t => {
  const since = '2026-01-01T00:00:00.000Z'
  const seen = (name: string, version: string | null) => ({ name, version, since, seen: since })
  const masters = [seen('m1', 'v1'), seen('m2', 'v2'), seen('m3', null)]
  const code = { environment: 'production', versions: 2, differsSince: since, masters }
  const after = (minutes: number) => checkServedCode([code], Date.parse(since) + minutes * 60_000)
  t.same(after(14), [])
  t.same(short(after(15)), ['warning code production'])
  t.match(after(15)[0]?.message, /since 2026-01-01T00:00:00\.000Z: m1 v1, m2 v2\.$/)
  t.same(checkServedCode([{ ...code, versions: 1, differsSince: null }], Date.parse(since)), [])
})

t.test('code is compared within a pool, and only where it was told', async t => {
  const code = (plugins: Readonly<Record<string, string>>) => ({
    environments: ['production'],
    environment: 'production',
    plugins: new Map(Object.entries(plugins))
  })
  const site = (...masters: Parameters<typeof siteFacts>[0]) => short(checkCode(siteFacts(masters)))
  t.same(site({ code: code({ x: '1' }) }, { code: code({ x: '1' }) }), [])
  t.same(site({ code: code({ x: '1' }) }, { code: code({ x: '2' }) }), ['warning code alpha'])
  t.same(site({ code: code({ x: '1' }) }, { code: code({}) }), ['warning code alpha'])
  t.same(site({ code: code({ x: '1' }) }, { code: undefined }), [])
  t.same(site({ code: code({ x: '1' }), pools: ['a'] }, { code: code({ x: '2' }), pools: ['b'] }), [])
})

t.test('rules that deny renewal or enrolment are told, and what the CA does not do is not', async t => {
  const asked = (path: string, status: number) =>
    short(
      checkPermissions(
        siteFacts([], { ca: memberFacts({ name: 'ca', permissions: [{ method: 'GET', path, status }] }) })
      )
    )
  const renewal = '/puppet-ca/v1/certificate_renewal'
  t.same(asked(renewal, 403), ['error permission ca'])
  t.same(
    [400, 404].flatMap(status => asked(renewal, status)),
    []
  )
  t.same(asked('/puppet-ca/v1/certificate_request/x', 404), [])
  t.same(asked('/puppet-ca/v1/certificate_request/x', 403), ['error permission ca'])
  t.same(asked('/puppet-ca/v1/certificate/ca', 404), ['error permission ca'])
})

t.test('names that were asked for count where no certificate has them', async t => {
  const asked = [
    { name: 'old.example.com', handshakes: 3, failed: 3, lastSeen: '2026-01-01T00:00:00.000Z' },
    { name: 'good.example.com', handshakes: 1, failed: 0, lastSeen: '2026-01-01T00:00:00.000Z' }
  ]
  const isCovered = (name: string) => name === 'good.example.com'
  t.same(short(checkNames({ asked, usual: ['puppet'] }, isCovered)), [
    'warning names old.example.com',
    'warning names puppet'
  ])
})

t.test('the machine is judged by what the configuration promises', async t => {
  const pki = await createTestPki()
  const config = (workers: number) =>
    testConfig(pki, { ca: 'https://ca', masters: [{ name: 'a', url: 'https://a' }] }, { listen: { workers } })
  const plenty = { somaxconn: 4_096, migrates: 1, localPorts: 28_232 }
  const granted = { granted: 1_000_000, running: undefined }
  t.same(checkMachine(plenty, config(2), granted), [])
  t.same(
    checkMachine({ somaxconn: undefined, migrates: undefined, localPorts: undefined }, config(2), granted),
    []
  )
  t.same(
    short(
      checkMachine({ somaxconn: 128, migrates: 0, localPorts: 100 }, config(2), {
        ...granted,
        granted: 1_024
      })
    ),
    [
      'warning machine nofile',
      'warning machine net.core.somaxconn',
      'warning machine net.ipv4.ip_local_port_range',
      'note machine net.ipv4.tcp_migrate_req'
    ]
  )
  t.same(
    checkMachine({ ...plenty, migrates: 0 }, config(1), granted),
    [],
    'one worker has nobody to give them to'
  )
  const running = { granted: 100_000, reserved: 200, upstream: 40, agents: 99_000 }
  t.same(checkMachine(plenty, config(2), { granted: 1_024, running }), [], 'what runs has limits of its own')
})

t.test('a running balancer that goes by something else is told', async t => {
  const reload = { ok: true, problems: [], needsRestart: [] }
  const masters = [{ name: 'alpha', state: 'up', cause: null }]
  const ownCertificate = { state: 'good', cause: null } as const
  const rest = { names: [], descriptors: undefined, code: [], ownCertificate, crl: null }
  const site = siteFacts([{}])
  t.same(checkRunning({ ...rest, reload, masters }, site), [])
  t.same(
    short(
      checkRunning(
        { ...rest, masters, reload: { ok: false, problems: ['x'], needsRestart: ['listen.port'] } },
        site
      )
    ),
    ['error running reload', 'warning running reload']
  )
  const down = [{ name: 'alpha', state: 'down', cause: 'it reset the connection' }]
  t.same(short(checkRunning({ ...rest, reload, masters: down }, site)), ['warning running alpha'])
  const both = siteFacts([{ trouble: { kind: 'refused', text: 'it refuses connections' } }])
  t.same(checkRunning({ ...rest, reload, masters: down }, both), [], 'then it is told as what it is')
})

t.test('files of a Puppet Server are read as far as they matter', async t => {
  const usual = { enrols: false, wantsNames: false, hasFullList: false }
  const files = (auth: string, webserver: string, ca = '', wants: Partial<typeof usual> = {}) =>
    short(checkServerFiles({ directory: '/d', auth, webserver, ca }, { ...usual, ...wants }))
  const believes = 'authorization: {\n  "allow-header-cert-info" : true\n}'
  t.same(files(believes, 'webserver: { ssl-port: 8140, client-auth: need }'), [])
  t.same(files(believes, 'webserver: {\n  ssl-port = 8140\n  client-auth = want\n}'), [
    'error server-files /d/webserver.conf'
  ])
  t.same(files(believes, 'webserver: { port: 8139, ssl-port: 8140, client-auth: need }'), [
    'warning server-files /d/webserver.conf'
  ])
  t.same(files(believes, 'webserver: { host: 10.0.0.1, port: 8140 }'), [])
  t.same(files('# allow-header-cert-info: true', 'webserver: { ssl-port: 8140, client-auth: want }'), [])
  t.same(files('', '', 'certificate-authority: { enable-infra-crl: true }'), [
    'warning server-files /d/ca.conf'
  ])
  t.same(files('', '', 'certificate-authority: { enable-infra-crl: false }'), [])
  const infra = 'certificate-authority: { enable-infra-crl: true }'
  t.same(
    files('', '', infra, { hasFullList: true }),
    ['note server-files /d/ca.conf'],
    'the full one is shipped'
  )
  t.same(files('', '', '', { wantsNames: true }), ['warning server-files /d/ca.conf'])
  t.same(files('', '', 'certificate-authority: { allow-subject-alt-names: true }', { wantsNames: true }), [])
  t.same(files('', '', '', { enrols: true }), ['note server-files /d/ca.conf'], 'somebody has to sign')
  t.same(files('', '', 'certificate-authority: { allow-auto-renewal: true }', { enrols: true }), [
    'warning server-files /d/auth.conf'
  ])
  const renews = 'certificate-authority: { allow-auto-renewal: true, auto-renewal-cert-ttl: 60d }'
  t.same(files('rules: []', '', renews), ['warning server-files /d/auth.conf'])
  t.same(files('rules: [ { path: "/puppet-ca/v1/certificate_renewal" } ]', '', renews), [])
})
