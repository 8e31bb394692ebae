import t from 'tap'
import { ca, masters, minimal, problemsOf, settingsOf, tls } from './fixture.ts'

const file = 'puppet-lb.yaml'

function withMasters(...entries: readonly string[]): string {
  return `${tls}\n${ca}\nmasters:\n${entries.map(entry => `  - { ${entry} }\n`).join('')}`
}

t.test('two masters cannot share a name', async t => {
  t.same(problemsOf(t, withMasters('name: a, url: "http://a"', 'name: a, url: "http://b"')), [
    `${file}:5:13 masters[1].name: is "a", which masters[0].name is already; names must differ`
  ])
})

t.test('two masters cannot share a URL, however it is written', async t => {
  t.same(problemsOf(t, withMasters('name: a, url: "http://a"', 'name: b, url: "http://A:80/"')), [
    `${file}:5:21 masters[1].url: is http://a, which masters[0].url is already; a master must be there once only`
  ])
})

t.test('on a site with one server the CA is a master as well', async t => {
  const { ca, masters } = settingsOf(t, withMasters('name: a, url: "https://CA.example.com:8140/"'))
  t.equal(masters[0]?.url, ca?.url)
})

t.test('at least one master must have a weight', async t => {
  const none = withMasters('name: a, url: "http://a", weight: 0', 'name: b, url: "http://b", weight: 0')
  t.same(problemsOf(t, none), [
    `${file}:3:1 masters: gives every master the weight 0, so none takes work; at least one weight must be 1 or more`
  ])
  t.same(problemsOf(t, withMasters('name: a, url: "http://a", weight: 0', 'name: b, url: "http://b"')), [])
})

t.test('a probe may not outlast its interval', async t => {
  t.same(problemsOf(t, minimal('health: { interval: 1s, timeout: 1001ms }')), [
    `${file}:5:34 health.timeout: is 1001ms, longer than health.interval, which is 1s; a probe must end before the next one begins`
  ])
  t.same(problemsOf(t, minimal('health: { interval: 1s, timeout: 1s }')), [])
})

t.test('a default that outlasts its interval is told where the interval is', async t => {
  t.same(problemsOf(t, minimal('health:\n  interval: 1s')), [
    `${file}:5:1 health.timeout: is 3s, longer than health.interval, which is 1s; a probe must end before the next one begins`
  ])
})

const sharedPorts: readonly (readonly [listen: string, admin: string, isShared: boolean])[] = [
  ['0.0.0.0', '127.0.0.1', true],
  ['127.0.0.1', '::', true],
  ['127.0.0.1', '127.0.0.1', true],
  ['127.0.0.1', '127.0.0.2', false]
]
for (const [listen, admin, isShared] of sharedPorts) {
  t.test(`${listen} and ${admin} ${isShared ? 'cannot' : 'can'} have one port`, async t => {
    const yaml = minimal(`listen: { host: "${listen}", port: 9 }\nadmin: { host: "${admin}", port: 9 }`)
    t.match(
      problemsOf(t, yaml),
      isShared ? [/ admin\.port: is 9, which is listen\.port; must be another port$/] : []
    )
    t.equal(problemsOf(t, yaml).length, isShared ? 1 : 0)
  })
}

t.test('two listeners may both leave the port to the system', async t => {
  t.same(problemsOf(t, minimal('listen: { port: 0 }\nadmin: { port: 0 }')), [])
})

t.test('a certname is allowed once', async t => {
  t.same(problemsOf(t, minimal('access: { administrators: [ops, dev, ops] }')), [
    `${file}:5:38 access.administrators[2]: is "ops", which access.administrators[0] is already; a certname must be there once only`
  ])
  t.same(problemsOf(t, minimal('admin: { allow: [ops, dev, ops] }')), [
    `${file}:5:28 admin.allow[2]: is "ops", which admin.allow[0] is already; a certname must be there once only`
  ])
})

t.test('administrators cannot stand under both names', async t => {
  for (const [one, other] of [
    ['[ops]', '[dev]'],
    ['[]', '[]']
  ]) {
    const yaml = minimal(`access: { administrators: ${one} }\nadmin: { allow: ${other} }`)
    t.same(problemsOf(t, yaml), [
      `${file}:6:10 admin.allow: is the old name of access.administrators, which is here too; must be left out`
    ])
  }
})

t.test('a client certificate for masters needs its key, and a key its certificate', async t => {
  t.same(problemsOf(t, minimal('upstream: { tls: { cert: server.pem } }')), [
    `${file}:5:13 upstream.tls.key: is missing, must be the path of the private key of upstream.tls.cert`
  ])
  t.same(problemsOf(t, minimal('upstream: { tls: { key: server.key } }')), [
    `${file}:5:13 upstream.tls.cert: is missing, must be the path of the certificate of upstream.tls.key`
  ])
})

t.test('what is wrong between keys is told beside what is wrong with others', async t => {
  const yaml = `${withMasters('name: a, url: "http://a", weight: x', 'name: a, url: oops', 'name: b, url: "http://a"')}log: { level: 3, x: 1 }\nhealth: { interval: 1s, rise: x }\n`
  t.same(
    problemsOf(t, yaml).map(line => line.split(' ')[1]),
    [
      'masters[0].weight:',
      'masters[1].name:',
      'masters[1].url:',
      'masters[2].url:',
      'log.level:',
      'log.x:',
      'health.timeout:',
      'health.rise:'
    ]
  )
})

t.test('the least there can be is consistent', async t => {
  t.equal(settingsOf(t, `${tls}\n${ca}\n${masters}\n`).masters.length, 1)
})
