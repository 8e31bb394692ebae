import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { unlessInstalled } from '../support/programs.ts'
import { startAlertReceiver, startPrometheus } from '../support/prometheus.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const REQUESTS = 5

t.test('a real Prometheus scrapes the balancer', { skip: unlessInstalled('prometheus') }, async t => {
  const pki = await createTestPki()
  const master = await startScriptedMaster(t, (_request, response) => response.end('{}'))
  const config = testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  const app = await startBalancer(t, config)
  const agent = connectAgent(t, pki, app.port)
  for (let count = 0; count < REQUESTS; count++) await agent.ask({ path: '/puppet/v3/node/a.example.com' })

  const receiver = await startAlertReceiver(t)
  const { query } = await startPrometheus(t, {
    'prometheus.yml': {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      scrape_configs: [
        { job_name: 'puppet-lb', static_configs: [{ targets: [`127.0.0.1:${app.adminPort}`] }] }
      ],
      rule_files: ['rules.yml'],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [receiver.address] }] }] }
    },
    'rules.yml': {
      groups: [
        { name: 'puppet-lb', rules: [{ alert: 'Served', expr: `puppet_lb_requests_total >= ${REQUESTS}` }] }
      ]
    }
  })

  const { labels } = await receiver.fires('Served')
  t.match(labels, { alertname: 'Served', class: 'light', master: 'm1', code: '200', job: 'puppet-lb' })
  t.match(await query('puppet_lb_requests_total'), [
    { class: 'light', master: 'm1', code: '200', value: String(REQUESTS) }
  ])
  t.match(await query('puppet_lb_master_up{master="m1"}'), [{ value: '1' }])
  t.match(await query('up{job="puppet-lb"}'), [{ value: '1' }])
  const quantile = 'histogram_quantile(0.99, puppet_lb_request_duration_seconds_bucket)'
  const [{ value: seconds } = { value: '' }] = await query(quantile)
  t.ok(Number(seconds) > 0 && Number(seconds) <= 10, `${seconds} s`)
})
