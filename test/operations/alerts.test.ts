import t from 'tap'
import { run, unlessInstalled } from '../support/programs.ts'
import { type AlertCase, alertCases } from './alert-cases.ts'
import { deployed, type Rule, rulesOf, textOf } from './deployed-files.ts'

const alerts = rulesOf('prometheus/alerts.yaml')
const names = alerts.map(({ alert }) => alert as string)
const ruleFiles = ['prometheus/recording.yaml', 'prometheus/alerts.yaml'].map(deployed)

t.test(
  'the configuration of Prometheus and its rules are valid',
  { skip: unlessInstalled('promtool') },
  async t => {
    const config = run('promtool', ['check', 'config', deployed('prometheus/prometheus.yaml')], '')
    t.equal(config.status, 0, config.stdout + config.stderr)
    const rules = run('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', ...ruleFiles], '')
    t.equal(rules.status, 0, rules.stdout + rules.stderr)
  }
)

t.test('every alert fires when it should, and not before', { skip: unlessInstalled('promtool') }, async t => {
  const directory = t.testdir(Object.fromEntries(alerts.flatMap(filesFor)))
  const tests = names.map(name => `${directory}/${name}.json`)
  const { status, stdout, stderr } = run('promtool', ['test', 'rules', ...tests], '')
  t.equal(status, 0, stdout + stderr)
})

t.test('every alert is tried', async t => {
  const fired = alertCases.filter(({ firesAt }) => firesAt !== undefined).map(({ alert }) => alert)
  t.same([...new Set(fired)].sort(), [...names].sort())
})

t.test('every alert says how bad it is, and leads to its section in OPERATIONS.md', async t => {
  for (const { alert = '', labels, annotations } of alerts) {
    t.match(labels?.severity, /^(critical|warning|info)$/, alert)
    t.match(annotations?.summary, /^\S.*\.$/, `${alert} has a sentence`)
    t.equal(annotations?.runbook, runbookOf(alert), alert)
  }
})

t.test('OPERATIONS.md has a section for each alert, and for no other', async t => {
  const sections = textOf('OPERATIONS.md')
    .split(/^(?=#)/m)
    .flatMap(section => {
      const [, name = '', text = ''] = /^### (PuppetLb\w+)\n(.*)/s.exec(section) ?? []
      return name ? [{ name, text }] : []
    })
  t.same(sections.map(({ name }) => name).sort(), [...names].sort())
  for (const { name, text } of sections) {
    const { severity } = alerts.find(({ alert }) => alert === name)?.labels ?? {}
    t.match(text, `**${severity}**`, `${name} has its severity`)
    t.match(text, '**Do:**', `${name} says what to do`)
  }
})

function runbookOf(alert: string): string {
  return `config/OPERATIONS.md#${alert.toLowerCase()}`
}

/** An alert alone and its cases as promtool reads them: all other alerts would be worked out for nothing. */
function filesFor(rule: Rule): readonly (readonly [name: string, text: string])[] {
  const name = rule.alert ?? ''
  const cases = alertCases.filter(({ alert }) => alert === name)
  // Thousands of minutes are not judged one by one.
  const isLong = cases.some(({ quietAt }) => quietAt > 1_000)
  const tests = {
    rule_files: [deployed('prometheus/recording.yaml'), `${name}.rules.json`],
    evaluation_interval: isLong ? '10m' : '1m',
    tests: cases.map(promtoolTest)
  }
  return [
    [`${name}.rules.json`, JSON.stringify({ groups: [{ name, rules: [rule] }] })],
    [`${name}.json`, JSON.stringify(tests)]
  ]
}

/** promtool's own form of a case. */
function promtoolTest(each: AlertCase): object {
  const { alert, series, quietAt, firesAt, labels, summary } = each
  const severity = alerts.find(rule => rule.alert === alert)?.labels?.severity
  const balancer = each.isOfAll ? {} : { instance: 'lb-1' }
  const expected = {
    exp_labels: { severity, job: 'puppet-lb', ...balancer, ...labels },
    exp_annotations: { summary, runbook: runbookOf(alert) }
  }
  const at = (minutes: number, exp_alerts: readonly object[]) => {
    return { eval_time: `${minutes}m`, alertname: alert, exp_alerts }
  }
  return {
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [at(quietAt, []), ...(firesAt === undefined ? [] : [at(firesAt, [expected])])]
  }
}
