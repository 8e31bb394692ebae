/** One look at `/metrics`. */
export interface Scrape {
  readonly text: string
  /** The value of one series, its labels given in any order; `undefined` where there is no such series. */
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => number | undefined
  /** Of all series of a name that carry these labels, whatever others they carry. */
  readonly sum: (name: string, labels?: Readonly<Record<string, string>>) => number
}

interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export async function scrape(adminPort: number): Promise<Scrape> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`)
  const text = await answer.text()
  const series = text.split('\n').flatMap(parse)
  const carries = ({ labels }: Series, wanted: Readonly<Record<string, string>>) =>
    Object.entries(wanted).every(([name, value]) => labels[name] === value)
  return {
    text,
    value(name, labels = {}) {
      const size = Object.keys(labels).length
      return series.find(
        one => one.name === name && Object.keys(one.labels).length === size && carries(one, labels)
      )?.value
    },
    sum: (name, labels = {}) =>
      series
        .filter(one => one.name === name && carries(one, labels))
        .reduce((total, one) => total + one.value, 0)
  }
}

/** A line of the text format; no label value here holds a quote, a comma or a brace. */
function parse(line: string): Series[] {
  const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)
  if (!match) return []
  const [, name = '', labels = '', value = ''] = match
  const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, of]) => [key, of])
  return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
}
