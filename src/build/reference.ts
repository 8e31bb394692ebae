import { writeFileSync } from 'node:fs'
import { argv } from 'node:process'
import { z } from 'zod'
import { variableName } from '../config/environment.ts'
import { jsonSchema } from '../config/json-schema.ts'
import { namedKeys } from '../config/schema-tree.ts'
import { type ListedMetric, listMetrics } from './metric-list.ts'

type Node = z.core.JSONSchema.JSONSchema

/** Where the reference is kept. */
export const referenceFile = new URL('../../config/README.md', import.meta.url)

const head = `<!-- Made by \`npm run reference\`. Change the schema or the metrics, not this file. -->
# Reference

Every key of the configuration and every metric, as the program itself knows them. [puppet-lb.yaml](puppet-lb.yaml) is a file to
start from, [puppet-lb.schema.json](puppet-lb.schema.json) has an editor complete and check it, and
[OPERATIONS.md](OPERATIONS.md) is for day two. [DEPLOY.md](DEPLOY.md) explains what belongs together, and
[BEHAVIOUR.md](BEHAVIOUR.md) what becomes of a request.
`

const ofKeys = `## Keys

A dot stands for a group: \`listen.port\` is the key \`port\` under \`listen\`, and \`masters[].name\` the key \`name\` of each
master. Durations are \`250ms\`, \`5s\`, \`10m\`, \`1h\`, sizes \`64KiB\`, \`256MiB\`, \`2GiB\`. Relative paths are relative to the
file. A variable of the environment overrides its key.
`

const ofMetrics = `## Metrics

At \`/metrics\` of the admin listener. Counters begin at 0 with each process, and a series with its first event.
`

/** The whole reference, as Markdown. */
export function reference(): string {
  const root = JSON.parse(jsonSchema()) as Node
  const place = new Map(namedKeys.map(({ name }, index) => [name, index]))
  const placeOf = ({ path }: Key) => place.get(path.join('.')) ?? 0
  const keys = keysIn(root, []).toSorted((a, b) => placeOf(a) - placeOf(b))
  const table = (heading: string, rows: readonly string[]) =>
    [heading, heading.replace(/[^|]+/g, '---'), ...rows, ''].join('\n')
  const groups = [...new Set(keys.map(({ path }) => path[0]))].map(group => {
    const about = sentence((root.properties?.[String(group)] as Node | undefined)?.description)
    const rows = keys.filter(({ path }) => path[0] === group).map(keyRow)
    return `### ${group}\n\n${about && `${about}\n\n`}${table('| Key | Allowed | Default | Meaning | Variable |', rows)}`
  })
  const metrics = table('| Metric | Kind | Labels | Meaning |', listMetrics().map(metricRow))
  return [head, ofKeys, ...groups, ofMetrics, metrics].join('\n')
}

interface Key {
  readonly path: readonly string[]
  readonly node: Node
}

/** The keys that hold a value, in the order of the schema. */
function keysIn(node: Node, path: readonly string[]): readonly Key[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const below = child as Node
    if (below.properties) return keysIn(below, [...path, name])
    const items = below.items as Node | undefined
    const own: Key = { path: [...path, name], node: below }
    return items?.properties ? [own, ...keysIn(items, [...path, `${name}[]`])] : [own]
  })
}

function keyRow({ path, node }: Key): string {
  const inList = path.some(part => part.endsWith('[]')) || (node.items as Node | undefined)?.properties
  const variable = inList ? '' : `\`${variableName(path)}\``
  const fallback = node.default === undefined ? '' : `\`${shown(node.default)}\``
  const cells = [
    `\`${path.join('.')}\``,
    allowed(path.join('.')),
    fallback,
    sentence(node.description),
    variable
  ]
  return row(cells)
}

function metricRow({ name, kind, help, labels }: ListedMetric): string {
  return row([`\`${name}\``, kind, labels.map(label => `\`${label}\``).join(', '), sentence(help)])
}

/** What a value may be, in the words in which the program refuses another one. */
function allowed(name: string): string {
  const schema = namedKeys.find(key => key.name === name)?.schema
  const [issue] = (schema && z.safeParse(schema, {}).error?.issues) ?? []
  const [, words = ''] = /must be (?:an? )?(.*)$/.exec(issue?.message ?? '') ?? []
  // The text above says how durations and sizes are written.
  return sentence(words.replace(/, written like .*/, ''))
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** One line; a bar would end the cell. */
function sentence(text = ''): string {
  return text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim()
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`.replace(/ {2,}/g, ' ')
}

if (import.meta.main) {
  writeFileSync(argv[2] ?? referenceFile, reference())
}
