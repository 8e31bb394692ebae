import { Component } from 'preact'
import { html } from './html.js'

/** @typedef {typeof import('uplot')} UPlot */
/** @typedef {{ readonly label: string, readonly colour: string }} Series By the name of a colour in the style. */
/**
 * @typedef {object} ChartProps
 * @property {string} title
 * @property {string} summary What it shows, for whoever does not see it.
 * @property {boolean} isTime Whether x is seconds since 1970.
 * @property {readonly number[]} x
 * @property {readonly Series[]} series
 * @property {readonly (readonly (number | null)[])[]} values Of each series, by x.
 */

const HEIGHT = 180

/**
 * Bars over time or over numbers, drawn by uPlot once a browser has it; without JavaScript there is the summary.
 * @extends {Component<ChartProps>}
 */
export class Chart extends Component {
  /** @type {Element | null} */
  place = null
  /** @type {InstanceType<UPlot> | undefined} */
  plot = undefined
  stop = () => {}

  componentDidMount() {
    const place = this.place
    if (!place || !uPlotOf()) return
    this.draw()
    const resized = new ResizeObserver(() => this.plot?.setSize(sizeOf(place)))
    resized.observe(place)
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const redraw = () => this.draw()
    scheme.addEventListener('change', redraw)
    this.stop = () => {
      resized.disconnect()
      scheme.removeEventListener('change', redraw)
    }
  }

  /** @param {ChartProps} before */
  componentDidUpdate(before) {
    if (
      JSON.stringify(before.values) === JSON.stringify(this.props.values) &&
      before.x[0] === this.props.x[0]
    )
      return
    this.plot?.setData(dataOf(this.props))
  }

  componentWillUnmount() {
    this.stop()
    this.plot?.destroy()
  }

  draw() {
    const UPlot = uPlotOf()
    if (!UPlot || !this.place) return
    this.plot?.destroy()
    this.plot = new UPlot(
      optionsOf(this.props, this.place, UPlot),
      dataOf(this.props),
      /** @type {HTMLElement} */ (this.place)
    )
  }

  render() {
    const { title, summary } = this.props
    return html`<figure class="chart">
      <figcaption><strong>${title}</strong> <span>${summary}</span></figcaption>
      <div class="plot" aria-hidden="true" ref=${(/** @type {Element | null} */ place) => {
        this.place = place
      }}></div>
    </figure>`
  }
}

/** It is no module: it leaves its name, and there is none where there is no browser. */
function uPlotOf() {
  return /** @type {{ uPlot?: UPlot }} */ (globalThis).uPlot
}

/** @param {Element} place */
function sizeOf(place) {
  return { width: place.clientWidth, height: HEIGHT }
}

/**
 * @param {ChartProps} props
 * @returns {import('uplot').AlignedData}
 */
function dataOf({ x, values }) {
  return /** @type {import('uplot').AlignedData} */ (/** @type {unknown} */ ([x, ...values]))
}

/**
 * @param {ChartProps} props
 * @param {Element} place
 * @param {UPlot} UPlot
 * @returns {import('uplot').Options}
 */
function optionsOf({ isTime, series, x }, place, UPlot) {
  const style = getComputedStyle(place)
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim()
  const bars = UPlot.paths.bars?.({ size: [0.7, 24], align: isTime ? 1 : 0 })
  const axis = { stroke: colour('quiet'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } }
  const font = '12px system-ui, sans-serif'
  return {
    ...sizeOf(place),
    tzDate: ts => UPlot.tzDate(new Date(ts * 1000), 'Etc/UTC'),
    cursor: { drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: {
        time: isTime,
        ...(isTime ? {} : { range: /** @type {[number, number]} */ ([-0.5, x.length - 0.5]) })
      },
      y: { range: (_plot, _low, high) => [0, Math.max(4, high * 1.1)] }
    },
    axes: [
      { ...axis, font, size: 28, ...(isTime ? { values: '{HH}:{mm}' } : {}) },
      {
        ...axis,
        font,
        size: 44,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000]
      }
    ],
    series: [
      { label: isTime ? 'Time' : 'Minute', ...(isTime ? { value: '{HH}:{mm}' } : {}) },
      ...series.map(({ label, colour: name }) => ({
        label,
        fill: colour(name),
        stroke: colour(name),
        width: 0,
        ...(bars && { paths: bars }),
        points: { show: false },
        value: (/** @type {unknown} */ _plot, /** @type {number | null} */ value) =>
          value === null ? '–' : String(Math.round(value * 10) / 10)
      }))
    ]
  }
}
