import t from 'tap'
import { unlessInstalled } from '../support/programs.ts'
import { startAlertReceiver, startPrometheus } from '../support/prometheus.ts'
import { startDemoLoad } from './demo-load.ts'
import { dataOf, textOf } from './deployed-files.ts'
import { queries } from './queries.ts'

/** A rate needs two scrapes, and a rule over what another one records needs one more. */
const SCRAPES = 5
const HOUR_S = 3_600

t.test(
  'under load they all give data from a real Prometheus',
  { skip: unlessInstalled('prometheus') },
  async t => {
    const { app } = await startDemoLoad(t)
    const receiver = await startAlertReceiver(t)
    const scraped = {
      alert: 'Scraped',
      expr: `count_over_time(puppet_lb_headroom_without_one_agents{pool="default"}[10s]) >= ${SCRAPES}`
    }
    const config = dataOf<{ readonly rule_files: readonly string[] }>('prometheus/prometheus.yaml')
    const { query, backdate } = await startPrometheus(t, {
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
    // Some look at an hour ago. It was as it is now, but for the list that was refused in this hour.
    await backdate('{job="puppet-lb",__name__!="puppet_lb_crl_refused_total"}', HOUR_S)
    await receiver.fires('Scraped')
    for (const { place, expression, labels = [] } of queries) {
      const samples = await query(expression)
      t.ok(
        samples.some(({ value }) => value !== 'NaN'),
        `${place}: ${expression}`
      )
      for (const name of labels) {
        t.ok(
          samples.every(sample => sample[name]),
          `${place}: each series has a label ${name}: ${expression}`
        )
      }
    }
  }
)
