import { type EChartsOption, init } from 'echarts'
import type { FleetSummary, TimeName } from './fleet-figures.ts'
import { fleetProxyTitles } from './fleet-recipes.ts'
import { timeTitles } from './fleet-report.ts'

const width = 760
const rowHeight = 20
const blockGap = 64
const shown: readonly TimeName[] = ['runP50', 'runP99', 'lightWaitP99']
const ours = '#2a8f5f'
const theirs = '#7f9fbf'
/** Reads on light and dark pages. */
const ink = '#808080'

/** Bars for each load and time, in seconds of Puppet's time, as SVG; the medians of all seeds. */
export function fleetChart(summaries: readonly FleetSummary[]): string {
  const loads = [...Map.groupBy(summaries, ({ title }) => title)]
  const blocks = loads.flatMap(([load, rows]) => shown.map(name => ({ load, rows: rows.toReversed(), name })))
  let top = blockGap / 2
  const placed = blocks.map(block => {
    const height = block.rows.length * rowHeight
    const at = { ...block, top, height }
    top += height + blockGap
    return at
  })
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height: top })
  const option: EChartsOption = {
    animation: false,
    textStyle: { fontFamily: 'sans-serif', color: ink },
    title: placed.map(({ load, name, top }) => ({
      text: `${timeTitles[name]}, seconds: ${load}`,
      top: top - 24,
      left: 0,
      textStyle: { fontSize: 13, color: ink }
    })),
    grid: placed.map(({ top, height }) => ({ top, height, left: 260, right: 60 })),
    xAxis: placed.map((_, gridIndex) => ({ gridIndex, type: 'value' as const, show: false })),
    yAxis: placed.map(({ rows }, gridIndex) => ({
      gridIndex,
      type: 'category' as const,
      data: rows.map(({ proxy }) => fleetProxyTitles[proxy]),
      axisTick: { show: false },
      axisLine: { show: false },
      axisLabel: { color: ink }
    })),
    series: placed.map(({ rows, name }, index) => ({
      type: 'bar' as const,
      xAxisIndex: index,
      yAxisIndex: index,
      barWidth: rowHeight - 6,
      label: { show: true, position: 'right' as const, color: ink },
      data: rows.map(({ proxy, times }) => ({
        value: Number(times[name].median.toFixed(2)),
        itemStyle: { color: proxy === 'puppet-lb' ? ours : theirs }
      }))
    }))
  }
  chart.setOption(option)
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${svg}\n`
}
