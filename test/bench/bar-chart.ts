import { type EChartsOption, init } from 'echarts'

const labelWidth = 255
const columnWidth = 190
/** Room for the number behind the longest bar. */
const numberWidth = 90
const rowHeight = 18
const titleHeight = 46
/** Reads on light and dark pages. */
const ink = '#808080'
const colours = { ours: '#2a8f5f', best: '#c0792a', other: '#7f9fbf' } as const

/** Some charts of bars side by side, one for each figure, with the same rows. */
export interface ChartGroup {
  readonly title: string
  readonly rows: readonly string[]
  readonly columns: readonly ChartColumn[]
}

export interface ChartColumn {
  readonly title: string
  /** In the order of the rows; undefined leaves a row empty. */
  readonly bars: readonly (ChartBar | undefined)[]
}

export interface ChartBar {
  readonly value: number
  readonly tone: keyof typeof colours
}

/** The groups one below the other, as SVG. The best peer of each figure has a colour of its own, and is called so. */
export function barChart(groups: readonly ChartGroup[]): string {
  let bottom = 0
  const panels = groups.flatMap(({ title, rows, columns }) => {
    const top = bottom + titleHeight
    const height = rows.length * rowHeight
    bottom = top + height
    return columns.map((column, index) => ({
      ...column,
      groupTitle: index === 0 ? title : '',
      // The chart's categories grow upwards.
      rows: rows.toReversed(),
      bars: column.bars.toReversed(),
      hasLabels: index === 0,
      grid: { top, height, left: labelWidth + index * columnWidth, width: columnWidth - numberWidth }
    }))
  })
  const width = labelWidth + Math.max(...groups.map(({ columns }) => columns.length)) * columnWidth
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height: bottom + 8 })
  const option: EChartsOption = {
    animation: false,
    textStyle: { fontFamily: 'sans-serif', color: ink },
    title: panels.flatMap(({ groupTitle, title, grid }) => [
      { text: groupTitle, left: 0, top: grid.top - 42, textStyle: { fontSize: 13, color: ink } },
      {
        text: title,
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
      data: [...rows],
      axisTick: { show: false },
      axisLine: { show: false },
      axisLabel: { show: hasLabels, color: ink }
    })),
    series: panels.map(({ bars }, index) => ({
      type: 'bar' as const,
      xAxisIndex: index,
      yAxisIndex: index,
      barWidth: rowHeight - 5,
      data: bars.map(bar => ({
        value: bar?.value ?? 0,
        itemStyle: { color: colours[bar?.tone ?? 'other'] },
        label: {
          show: bar !== undefined,
          position: 'right' as const,
          color: ink,
          formatter: bar?.tone === 'best' ? `${bar.value}, best peer` : `${bar?.value}`
        }
      }))
    }))
  }
  chart.setOption(option)
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${svg}\n`
}
