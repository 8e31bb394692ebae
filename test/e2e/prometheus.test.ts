import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { unlessInstalled } from '../support/programs.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

interface Alert {
  readonly labels: Readonly<Record<string, string>>
}

const REQUESTS = 5
/** Prometheus must be told its port; a range of its own keeps it out of the way of others. */
const port = 18_700 + (process.pid % 100)

/** What Prometheus calls when an alert fires: so nobody has to ask whether it has scraped yet. */
async function startAlertReceiver(t: Test) {
  const alert = Promise.withResolvers<Alert>()
  const server = createServer(async (request, response) => {
    const [first] = (await json(request)) as readonly Alert[]
    response.end()
    if (first) alert.resolve(first)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, alert: alert.promise }
}

async function startPrometheus(t: Test, files: Readonly<Record<string, object>>) {
  const directory = await mkdtemp(join(tmpdir(), 'puppet-lb-prometheus-'))
  // JSON is YAML.
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), JSON.stringify(content))
  }
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error'
    ],
    { stdio: 'inherit' }
  )
  const exit = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exit
    await rm(directory, { recursive: true })
  })
  return async (query: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`)
    const { data } = (await answer.json()) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] }
    }
    return data.result.map(({ metric, value }) => ({ ...metric, value: value[1] }))
  }
}

t.test('a real Prometheus scrapes the balancer', { skip: unlessInstalled('prometheus') }, async t => {
  const pki = await createTestPki()
  const master = await startScriptedMaster(t, (_request, response) => response.end('{}'))
  const config = testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  const app = await startBalancer(t, config)
  const agent = connectAgent(t, pki, app.port)
  for (let count = 0; count < REQUESTS; count++) await agent.ask({ path: '/puppet/v3/node/a.example.com' })

  const receiver = await startAlertReceiver(t)
  const query = await startPrometheus(t, {
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

  const { labels } = await receiver.alert
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
