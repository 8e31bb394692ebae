import t from 'tap'
import { run, unlessInstalled } from '../support/programs.ts'
import { of } from './alert-cases/alert-case.ts'
import { deployed } from './deployed-files.ts'
import { dashboards, filledIn } from './queries.ts'

/** What a panel shows of what a Prometheus would have seen. */
interface PanelCase {
  readonly when: string
  readonly panel: string
  /** Samples of each series, one a minute, in the notation of promtool. */
  readonly series: Readonly<Record<string, string>>
  readonly minute: number
  /** Values by the labels of the series; nothing: no data. */
  readonly shows: Readonly<Record<string, number>>
}

const up = (master: string, instance = 'lb-1') => of('master_up', `master="${master}"`, instance)
const active = (master: string, instance = 'lb-1') =>
  of('master_mode', `master="${master}",mode="active"`, instance)
const inState = (instance: string, state: string) =>
  of('master_state', `master="m1",state="${state}"`, instance)
const refused = of('crl_refused_total', 'reason="older"')
const ejected = of('ejections_total', 'master="m1",fault="connects"')

const cases: readonly PanelCase[] = [
  {
    when: 'a master in maintenance is not down',
    panel: 'overview: Masters down',
    series: {
      ...{ [up('m1')]: '0x5', [active('m1')]: '0x5', [up('m2')]: '0x5', [active('m2')]: '1x5' },
      ...{ [up('ca')]: '0x5' }
    },
    minute: 5,
    shows: { '{}': 1 }
  },
  {
    when: 'a master that is down for one of two balancers is down',
    panel: 'overview: Masters down',
    series: {
      ...{ [up('m1')]: '1x5', [active('m1')]: '1x5' },
      ...{ [up('m1', 'lb-2')]: '0x5', [active('m1', 'lb-2')]: '1x5' }
    },
    minute: 5,
    shows: { '{}': 1 }
  },
  {
    when: 'none is down',
    panel: 'overview: Masters down',
    series: { [up('m1')]: '1x5', [active('m1')]: '1x5' },
    minute: 5,
    shows: { '{}': 0 }
  },
  {
    when: 'no balancer answers, so nobody knows',
    panel: 'overview: Masters down',
    series: { [up('m1')]: '1x2 _x10', [active('m1')]: '1x2 _x10' },
    minute: 12,
    shows: {}
  },
  {
    when: 'two balancers do half of the work each',
    panel: 'overview: JRubies at work (stat)',
    series: {
      [of('utilization', 'pool="default"')]: '0.94x5',
      [of('utilization', 'pool="default"', 'lb-2')]: '0.95x5'
    },
    minute: 5,
    shows: { '{}': 0.95 }
  },
  {
    when: 'the first list that is refused counts',
    panel: 'agents: Revocation lists refused',
    series: { [refused]: '_x10 1x100' },
    minute: 20,
    shows: { '{reason="older"}': 1 }
  },
  {
    when: 'after an hour it is forgotten',
    panel: 'agents: Revocation lists refused',
    series: { [refused]: '_x10 1x100' },
    minute: 90,
    shows: {}
  },
  {
    when: 'the first time that a master is taken out counts',
    panel: 'masters: Taken out',
    series: { [ejected]: '_x10 1x100' },
    minute: 20,
    shows: { '{master="m1", fault="connects"}': 1 }
  },
  {
    when: 'requests that no master got are of none',
    panel: 'masters: Requests a second',
    series: {
      [of('requests_total', 'class="light",master="m1",code="200"')]: '0+60x10',
      [of('requests_total', 'class="catalog",master="",code="503"')]: '0+60x10'
    },
    minute: 10,
    shows: { '{master="m1"}': 1 }
  },
  {
    when: 'balancers that agree need one line',
    panel: 'masters: State and mode',
    series: {
      [inState('lb-1', 'up')]: '1x5',
      [inState('lb-2', 'up')]: '1x5',
      [inState('lb-2', 'down')]: '0x5'
    },
    minute: 5,
    shows: { '{master="m1", state="up"}': 1 }
  }
]

for (const { when, panel, series, minute, shows } of cases) {
  t.test(`${panel}: ${when}`, { skip: unlessInstalled('promtool') }, async t => {
    const shown = {
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        {
          expr: filledIn(expressionOf(panel), '5m'),
          eval_time: `${minute}m`,
          exp_samples: Object.entries(shows).map(([labels, value]) => ({ labels, value }))
        }
      ]
    }
    const tests = { rule_files: [deployed('prometheus/recording.yaml')], tests: [shown] }
    const directory = t.testdir({ 'panel.json': JSON.stringify(tests) })
    const { status, stdout, stderr } = run('promtool', ['test', 'rules', `${directory}/panel.json`], '')
    t.equal(status, 0, stdout + stderr)
  })
}

/** The first query of a panel: `overview: Masters down`, with its type where two have the same title. */
function expressionOf(panel: string): string {
  const [, name, title, type] = /^(\w+): (.*?)(?: \((\w+)\))?$/.exec(panel) ?? []
  const { dashboard } = dashboards.find(({ file }) => file.endsWith(`/${name}.json`)) ?? {}
  const found = dashboard?.panels.find(each => each.title === title && (!type || each.type === type))
  return found?.targets?.[0]?.expr ?? ''
}
