import { dataOf, filesOf, rulesOf } from './deployed-files.ts'

/** A panel of a dashboard, as far as it matters here. */
export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly {
    readonly expr: string
    readonly refId: string
    readonly legendFormat: string
  }[]
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
}

/** A dashboard of Grafana, as far as it matters here. */
export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[]
  }
}

/** Every dashboard, with the name of its file. */
export const dashboards: readonly { readonly file: string; readonly dashboard: Dashboard }[] = filesOf(
  'grafana/dashboards'
).map(file => ({ file, dashboard: dataOf<Dashboard>(file) }))

/** A query that somebody put into a panel or a rule. */
export interface Query {
  /** Where it stands, for whoever reads that it gives nothing. */
  readonly place: string
  readonly expression: string
  /** Labels that each series has to have. */
  readonly labels?: readonly string[]
}

/** What Grafana asks Prometheus: any master, any balancer, rates over ten scrapes or as long as that. */
export const filledIn = (expression: string, rateInterval = '10s') =>
  expression.replaceAll('$__rate_interval', rateInterval).replace(/\$(instance|master)/g, '.*')

const panelQueries: readonly Query[] = dashboards.flatMap(({ file, dashboard }) =>
  dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({
      place: `${file}: ${title}`,
      // A nought that stands in for nothing would hide that there is nothing.
      expression: filledIn(expr).replace(/ or (vector\(0\)|0 \* .*)$/, ''),
      labels: [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, name = '']) => name)
    }))
  )
)

/** What a variable may be is what a label of some series is. */
const variables: readonly Query[] = dashboards.flatMap(({ file, dashboard }) =>
  dashboard.templating.list
    .filter(({ type }) => type === 'query')
    .map(({ name, definition = '' }) => {
      const [, series = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? []
      return { place: `${file}: $${name}`, expression: filledIn(series), labels: [label] }
    })
)

const recordings: readonly Query[] = rulesOf('prometheus/recording.yaml').map(({ record, expr }) => ({
  place: `recording.yaml: ${record}`,
  expression: record ?? expr
}))

/** Where nothing is wrong an alert gives nothing. So its comparisons are asked to say yes or no, and what it excepts to be there. */
const alerts: readonly Query[] = rulesOf('prometheus/alerts.yaml').map(({ alert, expr }) => ({
  place: `alerts.yaml: ${alert}`,
  expression: expr.replace(/(?<=\s)(==|>|<)(?=\s)/g, '$1 bool').replace(/\bunless\b/g, 'and')
}))

/** Every query of every panel, variable and rule. */
export const queries: readonly Query[] = [...panelQueries, ...variables, ...recordings, ...alerts]

/** The names of metrics of the balancer that a query reads, not those that rules record. */
export function metricsIn(expression: string): readonly string[] {
  return [...expression.matchAll(/(?<![\w:])puppet_lb_\w+(?![\w:])/g)].map(([name]) => name)
}
