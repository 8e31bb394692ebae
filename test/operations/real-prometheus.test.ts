import t from 'tap'
import { unlessInstalled } from '../support/programs.ts'
import { startAlertReceiver, startPrometheus } from '../support/prometheus.ts'
import { startDemoLoad } from './demo-load.ts'
import { dataOf, textOf } from './deployed-files.ts'
import { metricsIn, queries } from './queries.ts'

/** A rate needs two scrapes, and a rule over what another one records needs one more. */
const SCRAPES = 5

/** What some minutes of a site without faults do not have: only their names are looked at. */
const rare = new Set([
  'puppet_lb_shed_total',
  'puppet_lb_retries_total',
  'puppet_lb_dns_failures_total',
  'puppet_lb_proxy_headers_refused_total',
  'puppet_lb_ca_copies_total',
  'puppet_lb_crl_fetch_failures_total',
  'puppet_lb_crl_refused_total',
  // It takes minutes and a hundred runs.
  'puppet_lb_full_utilization',
  'puppet_lb_headroom_agents',
  'puppet_lb_headroom_without_one_agents'
])

/** Asks for what was an hour ago, or for alerts. */
const isOfThePast = /\boffset\b|\bALERTS\b/

const isRare = (expression: string) =>
  isOfThePast.test(expression) || metricsIn(expression).some(name => rare.has(name))

t.test(
  'under load they all give data from a real Prometheus',
  { skip: unlessInstalled('prometheus') },
  async t => {
    const { app } = await startDemoLoad(t)
    const receiver = await startAlertReceiver(t)
    const scraped = { alert: 'Scraped', expr: `count_over_time(up[1m]) >= ${SCRAPES}` }
    const config = dataOf<{ readonly rule_files: readonly string[] }>('prometheus/prometheus.yaml')
    const { query } = await startPrometheus(t, {
      'prometheus.yml': {
        ...config,
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [...config.rule_files, 'scraped.json'],
        alerting: { alertmanagers: [{ static_configs: [{ targets: [receiver.address] }] }] }
      },
      'recording.yaml': textOf('prometheus/recording.yaml'),
      'alerts.yaml': textOf('prometheus/alerts.yaml'),
      'targets.yaml': [{ targets: [`127.0.0.1:${app.adminPort}`] }],
      'scraped.json': { groups: [{ name: 'scraped', rules: [scraped] }] }
    })
    await receiver.fires('Scraped')
    for (const { place, expression } of queries.filter(each => !isRare(each.expression))) {
      const samples = await query(expression)
      t.ok(
        samples.some(({ value }) => value !== 'NaN'),
        `${place}: ${expression}`
      )
    }
  }
)
