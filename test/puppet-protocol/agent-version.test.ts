import t from 'tap'
import { understandsRetryAfter } from '../../src/puppet/agent-version.ts'

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
