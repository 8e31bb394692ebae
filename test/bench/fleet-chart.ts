import { type EChartsOption, init } from 'echarts'
import type { FleetSummary, TimeName } from './fleet-figures.ts'
import { nameOf, timeTitles } from './fleet-report.ts'

const shown: readonly TimeName[] = ['runP50', 'runP99', 'lightWaitP99']
const labelWidth = 255
const columnWidth = 170
/** Room for the number behind the longest bar. */
const numberWidth = 50
const rowHeight = 18
const titleHeight = 46
const ours = '#2a8f5f'
const theirs = '#7f9fbf'
/** Reads on light and dark pages. */
const ink = '#808080'

/** A row of bars for each load, a column for each time, in seconds of Puppet's time, as SVG; medians of all seeds. */
export function fleetChart(summaries: readonly FleetSummary[]): string {
  let bottom = 0
  const panels = [...Map.groupBy(summaries, ({ title }) => title)].flatMap(([title, rows]) => {
    const top = bottom + titleHeight
    const height = rows.length * rowHeight
    bottom = top + height
    return shown.map((name, column) => ({
      name,
      title: column === 0 ? title : '',
      // The chart's categories grow upwards.
      rows: rows.toReversed(),
      hasLabels: column === 0,
      grid: { top, height, left: labelWidth + column * columnWidth, width: columnWidth - numberWidth }
    }))
  })
  const width = labelWidth + shown.length * columnWidth
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height: bottom + 8 })
  const option: EChartsOption = {
    animation: false,
    textStyle: { fontFamily: 'sans-serif', color: ink },
    title: panels.flatMap(({ title, name, grid }) => [
      { text: title, left: 0, top: grid.top - 42, textStyle: { fontSize: 13, color: ink } },
      {
        text: `${timeTitles[name]}, s`,
        left: grid.left - 5,
        top: grid.top - 22,
        textStyle: { fontSize: 12, fontWeight: 'normal' as const, color: ink }
      }
    ]),
    grid: panels.map(({ grid }) => grid),
    xAxis: panels.map((_, gridIndex) => ({ gridIndex, type: 'value' as const, show: false })),
    yAxis: panels.map(({ rows, hasLabels }, gridIndex) => ({
      gridIndex,
      type: 'category' as const,
      data: rows.map(nameOf),
      axisTick: { show: false },
      axisLine: { show: false },
      axisLabel: { show: hasLabels, color: ink }
    })),
    series: panels.map(({ rows, name }, index) => ({
      type: 'bar' as const,
      xAxisIndex: index,
      yAxisIndex: index,
      barWidth: rowHeight - 5,
      label: { show: true, position: 'right' as const, color: ink },
      data: rows.map(({ proxy, times }) => ({
        value: Number(times[name].median.toFixed(times[name].median < 10 ? 2 : 1)),
        itemStyle: { color: proxy === 'puppet-lb' ? ours : theirs }
      }))
    }))
  }
  chart.setOption(option)
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${svg}\n`
}
