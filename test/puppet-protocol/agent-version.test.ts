import t from 'tap'
import {
  majorOf,
  minorOf,
  outlastsOutages,
  readTimeoutMs,
  returnsOf,
  understandsRetryAfter,
  versionSaid
} from '../../src/puppet/agent-version.ts'

t.test('agents of 5.3.1 and later come back, but for those that sleep and then fail', async t => {
  for (const version of [
    '5.3.1',
    '5.3.2',
    '5.4.0',
    '6.0.0',
    '6.13.0',
    '7.26.0',
    '7.99.9',
    '8.2.0',
    '8.10.0',
    '10.0.0',
    '9.0.0-beta2',
    '5.3.1+x'
  ])
    t.ok(understandsRetryAfter(version), version)
  for (const version of ['6.14.0', '6.28.0', '7.0.0', '7.23.0', '7.25.0', '8.0.0', '8.1.0'])
    t.notOk(understandsRetryAfter(version), version)
  for (const version of ['5.3.0', '5.3.1-rc1', '5.2.9', '4.10.13', '3.8.7', '2.7.26', '0.25.5'])
    t.notOk(understandsRetryAfter(version), version)
})

t.test('what is not one plain version is not an agent that waits', async t => {
  const others = [
    undefined,
    '',
    '8',
    '8.10',
    'v8.10.0',
    '=8.10.0',
    '8.10.0, 8.10.0',
    '8.10.0.1',
    'puppet',
    ' 8.10.0'
  ]
  for (const version of [
    ...others,
    '08.10.0',
    '-8.10.0',
    `8.10.0-${'x'.repeat(400)}`,
    '99999999999999999999.0.0'
  ])
    t.notOk(understandsRetryAfter(version), String(version))
})

t.test('up to 6.13 they come back ten times for one request, later a hundred times', async t => {
  for (const [version, returns] of [
    ['5.3.0', 0],
    ['5.3.1', 10],
    ['5.5.22', 10],
    ['6.13.0', 10],
    ['6.14.0', 0],
    ['7.25.0', 0],
    ['7.26.0', 100],
    ['8.1.0', 0],
    ['8.10.0', 100],
    [undefined, 0]
  ] as const) {
    t.equal(returnsOf(version), returns, String(version))
    t.equal(outlastsOutages(version), returns === 100, String(version))
  }
})

t.test('how long an agent bears silence depends on its major version', async t => {
  for (const [version, ms] of [
    ['2.7.26', 120_000],
    ['3.8.7', 120_000],
    ['4.0.0', Number.POSITIVE_INFINITY],
    ['5.5.22', Number.POSITIVE_INFINITY],
    ['6.0.0', 600_000],
    ['7.23.0', 600_000],
    ['10.1.0', 600_000],
    [undefined, 600_000],
    ['3', 600_000],
    ['v3.8.7', 600_000],
    ['3.8.7, 8.10.0', 600_000]
  ] as const)
    t.equal(readTimeoutMs(version), ms, String(version))
})

t.test('a client says its version in one of two headers', async t => {
  t.equal(versionSaid('8.10.0', 'Puppet/7.0.0 Ruby/2.5.7'), '8.10.0')
  t.equal(versionSaid(undefined, 'Puppet/3.8.7 Ruby/2.1'), '3.8.7')
  t.equal(versionSaid('8.10.0, 7.0.0', 'Puppet/7.0.0 Ruby/2.5.7'), '7.0.0')
  t.equal(versionSaid('8.11.0-rc1', undefined), '8.11.0-rc1')
  for (const odd of ['8', 'v8.1.0', '', `8.1.${'0'.repeat(40)}`, '8.1 <b>'])
    t.equal(versionSaid(odd, 'curl/8.10.0'), undefined, odd)
})

t.test('major and minor of a version', async t => {
  t.equal(minorOf('8.10.0'), '8.10')
  t.equal(minorOf(undefined), undefined)
  t.equal(majorOf('8.10.0'), 8)
  t.equal(majorOf('none'), undefined)
})
