import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import t from 'tap'
import { fullNames } from '../../src/config/schema-tree.ts'
import { puppetLb } from '../commands/puppet-lb.ts'
import { deployed, textOf } from './deployed-files.ts'

const operations = textOf('OPERATIONS.md')

/** Code of the document: blocks of shell, and what stands between backticks in a line. */
const code = [
  ...[...operations.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.split('\n')),
  ...[...operations.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span)
]

t.test('every command of OPERATIONS.md is one that there is, with options that it has', async t => {
  const commands = code.flatMap(line => {
    const [, name, options = ''] = /(?:^|\s|\/)(?:puppet-lb|main\.ts) ([a-z]+)\b([^#|]*)/.exec(line) ?? []
    return name ? [{ name, flags: options.match(/--[a-z-]+/g) ?? [] }] : []
  })
  t.ok(commands.length > 20)
  for (const { name, flags } of commands) {
    const { code: exit, out } = await puppetLb([name, '--help'])
    t.equal(exit, 0, name)
    for (const flag of flags) t.match(out, flag, `${name} ${flag}`)
  }
})

t.test('every key that it names is one of the configuration', async t => {
  const groups = new Set(fullNames.map(name => name.split(/[.[]/, 1)[0]))
  const named = code.flatMap(span => {
    const [, key = '', group] = /^(([a-z]+)(?:\[\])?\.[A-Za-z.[\]]+)(?::.*)?$/.exec(span) ?? []
    return groups.has(group) ? [key] : []
  })
  t.ok(named.length > 20)
  t.same(
    named.filter(key => !fullNames.includes(key)),
    []
  )
})

t.test('its links lead somewhere', async t => {
  for (const [, target = ''] of operations.matchAll(/\]\(([^)]+)\)/g)) {
    const [path = '', anchor] = target.split('#')
    const file = path === '' ? deployed('OPERATIONS.md') : resolve(dirname(deployed('OPERATIONS.md')), path)
    t.ok(existsSync(file), target)
    if (anchor !== undefined) t.ok(anchorsOf(path === '' ? operations : textOf(path)).has(anchor), target)
  }
})

/** As GitHub makes them of headings. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const headings = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map(text =>
      text
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-')
    )
  )
}

t.test('the address that moves asks /readyz, and may leave a host that cannot serve', async t => {
  const text = textOf('keepalived/keepalived.conf')
  t.match(text, 'http://127.0.0.1:9140/readyz')
  t.match(text, /^ +weight -\d+$/m, 'it counts for less, and not for nothing')
  t.notMatch(text, /^ *nopreempt/m)
})
