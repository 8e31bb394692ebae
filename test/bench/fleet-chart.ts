import type { FleetSummary, TimeName } from './fleet-figures.ts'
import { fleetProxyTitles } from './fleet-recipes.ts'
import { timeTitles } from './fleet-report.ts'

const width = 720
const labelWidth = 260
const barWidth = 360
const rowHeight = 22
const shown: readonly TimeName[] = ['runP50', 'runP99', 'lightWaitP99']

/** A list of bars for each time and load, in seconds of Puppet's time, as SVG that reads on light and dark pages. */
export function fleetChart(summaries: readonly FleetSummary[]): string {
  const loads = [...Map.groupBy(summaries, ({ fleet, rho }) => `masters ${fleet}, load ${rho}`)]
  let y = 0
  const parts = loads.flatMap(([load, rows]) =>
    shown.map(name => {
      const top = y
      y += (rows.length + 2) * rowHeight
      return bars(`${timeTitles[name]}, ${load}`, name, rows, top)
    })
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" font-family="sans-serif" font-size="13" fill="#808080">
<title>Agent runs behind puppet-lb, HAProxy and nginx</title>
${parts.join('\n')}
</svg>
`
}

function bars(title: string, name: TimeName, rows: readonly FleetSummary[], top: number): string {
  const longest = Math.max(...rows.map(({ times }) => times[name].median))
  const lines = rows.map(({ proxy, times }, index) => {
    const y = top + (index + 1) * rowHeight
    const { median, min, max } = times[name]
    const length = (barWidth * median) / longest
    const value = `${median.toFixed(median < 10 ? 2 : 1)} s`
    return `<text x="${labelWidth - 8}" y="${y + 15}" text-anchor="end">${fleetProxyTitles[proxy]}</text>
<rect x="${labelWidth}" y="${y + 3}" width="${length.toFixed(1)}" height="${rowHeight - 6}" fill="${proxy === 'puppet-lb' ? '#2a8f5f' : '#7f9fbf'}"><title>${min.toFixed(2)} to ${max.toFixed(2)} s</title></rect>
<text x="${(labelWidth + length + 6).toFixed(1)}" y="${y + 15}">${value}</text>`
  })
  return [`<text x="0" y="${top + 15}" font-weight="bold">${title}</text>`, ...lines].join('\n')
}
