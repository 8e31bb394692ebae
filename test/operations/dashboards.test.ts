import t from 'tap'
import { listMetrics } from '../../src/build/metric-list.ts'
import { rulesOf } from './deployed-files.ts'
import { dashboards, metricsIn, queries } from './queries.ts'

const WIDTH = 24

t.test('there is one for the whole, one for masters and one for agents', async t => {
  t.same(
    dashboards.map(({ dashboard }) => dashboard.uid),
    ['puppet-lb-agents', 'puppet-lb-masters', 'puppet-lb-overview']
  )
  t.equal(new Set(dashboards.map(({ dashboard }) => dashboard.title)).size, dashboards.length)
})

for (const { file, dashboard } of dashboards) {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')

  t.test(`${file}: each panel says what it shows, and in which unit`, async t => {
    for (const { title, description, targets, fieldConfig } of panels) {
      t.match(title, /^\S/)
      t.match(description, /\.$/, title)
      t.ok(fieldConfig?.defaults.unit, title)
      t.ok(targets?.length, title)
      const letters = targets?.map(({ refId }) => refId)
      t.equal(new Set(letters).size, letters?.length, `${title} has each letter once`)
    }
    t.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length)
  })

  t.test(`${file}: no panel lies on another`, async t => {
    const taken = new Set<string>()
    for (const { title, gridPos } of dashboard.panels) {
      t.ok(gridPos.x + gridPos.w <= WIDTH, title)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          if (taken.has(`${x},${y}`)) t.fail(`${title} lies on another at ${x},${y}`)
          taken.add(`${x},${y}`)
        }
      }
    }
  })

  t.test(`${file}: queries use the variables that there are, and those are used`, async t => {
    const text = JSON.stringify(dashboard.panels)
    for (const { name } of dashboard.templating.list) t.match(text, new RegExp(`\\$\\{?${name}\\b`), name)
    const names = new Set(dashboard.templating.list.map(({ name }) => name))
    for (const [, name = ''] of text.matchAll(/\$\{?([a-z]\w*)/g)) t.ok(names.has(name), name)
  })
}

/** What a query gives, by what is in it; the first that is. All else are numbers of things. */
const units: readonly (readonly [pattern: RegExp, unit: RegExp])[] = [
  [/_seconds\b|_seconds_bucket|_seconds:/, /^s$/],
  [/:ratio|utilization|\) \/ sum\(/, /^percentunit$/],
  [/^60 \*|increase\(/, /^short$/],
  [/_bytes_total/, /^Bps$/],
  [/rate\(|:rate5m/, /^(reqps|cps)$/],
  [/./, /^short$/]
]

t.test('the unit of each panel is that of its queries, and one that counts says over which time', async t => {
  for (const { title, description = '', targets = [], fieldConfig } of dashboards.flatMap(
    each => each.dashboard.panels
  )) {
    for (const { expr } of targets) {
      const [, unit] = units.find(([pattern]) => pattern.test(expr)) ?? []
      t.match(fieldConfig?.defaults.unit, unit, `${title}: ${expr}`)
      if (expr.startsWith('60 *')) t.match(`${title} ${description}`, /[Aa] minute/, title)
      if (expr.includes('increase(')) t.match(description, /[Ii]n the last/, title)
    }
  }
})

t.test('each rule that records is used by a panel or an alert', async t => {
  const users = queries
    .filter(({ place }) => !place.startsWith('recording'))
    .map(({ expression }) => expression)
  for (const { record = '' } of rulesOf('prometheus/recording.yaml'))
    t.ok(
      users.some(expression => expression.includes(record)),
      record
    )
})

t.test('every query is about metrics that there are, or that a rule records', async t => {
  const known = new Set(listMetrics().map(({ name }) => name))
  const recorded = new Set(rulesOf('prometheus/recording.yaml').map(({ record }) => record))
  for (const { place, expression } of queries) {
    const unknown = metricsIn(expression).filter(name => !known.has(name.replace(/_(bucket|count|sum)$/, '')))
    t.same(unknown, [], place)
    const rules = expression.match(/\b[a-z_]+:puppet_lb_[\w:]+/g) ?? []
    t.same(
      rules.filter(name => !recorded.has(name)),
      [],
      place
    )
  }
})
