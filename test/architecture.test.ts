import { readdirSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve, sep } from 'node:path'
import t from 'tap'

/** Who may import whom. `control` and `data` are absent from each other's row: that is the architecture. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  '.': [
    'admin',
    'commands',
    'config',
    'control',
    'data',
    'model',
    'pki',
    'puppet',
    'shared',
    'telemetry',
    'upstream'
  ],
  admin: ['model', 'telemetry'],
  balance: ['model', 'puppet'],
  build: ['config', 'telemetry'],
  commands: [
    '.',
    'admin',
    'balance',
    'config',
    'control',
    'data',
    'demo',
    'doctor',
    'model',
    'puppet',
    'shared',
    'telemetry'
  ],
  config: ['model', 'pki', 'puppet', 'shared'],
  control: ['config', 'model', 'pki', 'puppet', 'shared', 'telemetry', 'upstream'],
  data: ['balance', 'model', 'pki', 'puppet', 'shared', 'telemetry', 'upstream'],
  demo: ['model', 'pki', 'simulation'],
  doctor: ['config', 'control', 'model', 'pki', 'puppet', 'upstream'],
  model: [],
  pki: [],
  puppet: [],
  shared: ['model'],
  simulation: ['model', 'pki', 'puppet'],
  telemetry: ['model', 'puppet'],
  upstream: ['model', 'pki']
}

/** Time and chance come from a Runtime, so that tests can hold them. */
const outsideWorld = /\bDate\.now\(|\bperformance\.now\(|\bMath\.random\(|(?<!\.)\bset(Timeout|Interval)\(/
const whoMay = new Set(['model/runtime.ts', 'admin/page/client/news.js'])

const MAX_LINES = 300

const src = resolve(import.meta.dirname, '../src')
const area = (file: string) => relative(src, dirname(file)).split(sep)[0] || '.'

for (const name of readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(each =>
  /\.[jt]s$/.test(each)
)) {
  t.test(name, async t => {
    const file = resolve(src, name)
    const text = readFileSync(file, 'utf8')
    for (const [, specifier] of text.matchAll(/(?:from|import\(?) ?'(\.[^']+)'/g)) {
      const target = area(resolve(dirname(file), specifier as string))
      t.ok(target === area(file) || allowed[area(file)]?.includes(target), `may import ${specifier}`)
    }
    // What browsers load has its types in comments, and nothing else of the program.
    if (name.startsWith('admin/page/') && name.endsWith('.js'))
      for (const [, specifier] of text.matchAll(/^import .*from '(\.[^']+)'/gm))
        t.match(relative(src, resolve(file, '..', specifier as string)), /^admin\/page\/(view|client)\//)
    if (!whoMay.has(name)) t.notMatch(text, outsideWorld, 'takes time and chance from a Runtime')
    t.ok(text.trimEnd().split('\n').length <= MAX_LINES, 'is short enough for one concept')
  })
}
