import t from 'tap'
import { hasRunFailed, isReport } from '../../src/puppet/report.ts'

// The order of `to_data_hash` in lib/puppet/transaction/report.rb of Puppet 8.10.
const head = (status: string, configurationVersion = '1732647000') =>
  JSON.stringify({
    host: 'a.example.com',
    time: '2026-01-01T00:00:00.000000000+00:00',
    configuration_version: configurationVersion,
    transaction_uuid: '6a2c6a9e-4f5e-4c0d-8e14-5f1f5b3c1f0e',
    report_format: 12,
    puppet_version: '8.10.0',
    status,
    transaction_completed: true,
    noop: false,
    noop_pending: false,
    environment: 'production',
    logs: []
  })

t.test('a report says whether its run failed', async t => {
  t.equal(hasRunFailed(head('failed')), true)
  t.equal(hasRunFailed(head('changed')), false)
  t.equal(hasRunFailed(head('unchanged')), false)
  t.equal(hasRunFailed('{ "status" : "failed" }'), true)
})

t.test('what only looks like it in a text does not count', async t => {
  t.equal(hasRunFailed(head('unchanged', '"status":"failed"')), false)
})

t.test('another format says nothing', async t => {
  t.equal(hasRunFailed('--- !ruby/object:Puppet::Transaction::Report\nstatus: failed\n'), undefined)
  t.equal(hasRunFailed(''), undefined)
  t.equal(hasRunFailed(head('failed').slice(0, 100)), undefined)
})

t.test('facts are sent like a report, and are none', async t => {
  t.ok(isReport('/puppet/v3/report/a.example.com?environment=production'))
  t.ok(isReport('/production/report/a.example.com'))
  t.notOk(isReport('/puppet/v3/facts/a.example.com?environment=production'))
})
