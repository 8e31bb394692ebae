import t from 'tap'
import { run, unlessInstalled } from '../support/programs.ts'
import type { AlertCase } from './alert-cases/alert-case.ts'
import { alertCases } from './alert-cases/all.ts'
import { calmSite, RESTART_AT } from './alert-cases/calm-site.ts'
import { deployed, type Rule, rulesOf, textOf } from './deployed-files.ts'
import { metricsIn } from './queries.ts'

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

t.test(
  'where all is well none fires, not even when both balancers are started anew',
  { skip: unlessInstalled('promtool') },
  async t => {
    // After the first hour, of which nothing is known from before.
    const times = [-30, -1, 0, 1, 2, 4, 7, 15, 30, 65, 99].map(since => RESTART_AT + since)
    const alert_rule_test = names.flatMap(alertname =>
      times.map(minute => ({ eval_time: `${minute}m`, alertname, exp_alerts: [] }))
    )
    const site = { interval: '1m', input_series: inputOf(calmSite), alert_rule_test }
    const tests = { rule_files: ruleFiles, evaluation_interval: '1m', tests: [site] }
    const directory = t.testdir({ 'calm.json': JSON.stringify(tests) })
    const { status, stdout, stderr } = run('promtool', ['test', 'rules', `${directory}/calm.json`], '')
    t.equal(status, 0, stdout + stderr)
    const shown = new Set(Object.keys(calmSite).flatMap(metricsIn))
    for (const { alert, expr } of alerts)
      for (const name of metricsIn(expr)) t.ok(shown.has(name), `${alert}: ${name}`)
  }
)

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

/** promtool's own form of a case. Beside the balancer is another one that fares the same, and each is told of. */
function promtoolTest(each: AlertCase): object {
  const { alert, series, quietAt, firesAt, labels, summary, isOfAll, isWholeSite } = each
  const severity = alerts.find(rule => rule.alert === alert)?.labels?.severity
  const ofOther = (text: string) => text.replaceAll('lb-1', 'lb-2')
  const alertOf = (instance: string) => ({
    exp_labels: { severity, job: 'puppet-lb', ...(!isOfAll && { instance }), ...labels },
    exp_annotations: { summary: summary?.replaceAll('lb-1', instance), runbook: runbookOf(alert) }
  })
  const at = (minutes: number, exp_alerts: readonly object[]) => {
    return { eval_time: `${minutes}m`, alertname: alert, exp_alerts }
  }
  const expected = isOfAll ? [alertOf('')] : [alertOf('lb-1'), alertOf('lb-2')]
  const others = Object.fromEntries(Object.entries(series).map(([name, values]) => [ofOther(name), values]))
  return {
    interval: '1m',
    input_series: inputOf(isWholeSite ? series : { ...series, ...others }),
    alert_rule_test: [at(quietAt, []), ...(firesAt === undefined ? [] : [at(firesAt, expected)])]
  }
}

function inputOf(series: Readonly<Record<string, string>>): readonly object[] {
  return Object.entries(series).map(([name, values]) => ({ series: name, values }))
}
