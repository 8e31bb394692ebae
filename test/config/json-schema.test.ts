import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { jsonSchema } from '../../src/config/json-schema.ts'
import { leaves } from '../../src/config/schema-tree.ts'
import { repositoryFile } from './fixture.ts'

t.test(
  'the schema for editors is the one the program reads with (node src/config/json-schema.ts)',
  async t => {
    t.equal(repositoryFile('config/puppet-lb.schema.json'), jsonSchema())
  }
)

t.test('run as a program, the module writes it', async t => {
  const file = join(t.testdir({}), 'out.json')
  execFileSync(process.execPath, [
    fileURLToPath(new URL('../../src/config/json-schema.ts', import.meta.url)),
    file
  ])
  t.equal(readFileSync(file, 'utf8'), jsonSchema())
})

interface Node {
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly required?: readonly string[]
  readonly description?: string
  readonly pattern?: string
  readonly anyOf?: readonly Node[]
  readonly additionalProperties?: boolean
}
const root = JSON.parse(jsonSchema()) as Node

function descend(node: Node, visit: (node: Node, path: string) => void, path = ''): void {
  if (path !== '') visit(node, path)
  for (const [key, child] of Object.entries(node.properties ?? {})) descend(child, visit, `${path}.${key}`)
  if (node.items?.properties) descend(node.items, visit, `${path}[]`)
}

t.test('every key has a description, and no group admits others', async t => {
  descend(root, (node, path) => {
    if (!path.endsWith('[]')) t.ok(node.description, path)
    if (node.properties) t.equal(node.additionalProperties, false, path)
  })
})

t.test('only what has no default is required', async t => {
  t.equal(root.required, undefined)
  t.same(root.anyOf, [
    { required: ['tls'], properties: { tls: { required: ['cert', 'key', 'ca'] } } },
    { required: ['enroll'] }
  ])
  t.same(root.properties?.masters?.items?.required, ['name', 'url'])
  t.equal(root.properties?.listen?.required, undefined)
})

t.test('patterns mean to an editor what they mean to the program', async t => {
  const matches = (path: readonly string[], text: string): boolean => {
    const node = path.reduce<Node | undefined>((at, key) => at?.properties?.[key], root)
    const pattern = node?.pattern ?? node?.anyOf?.find(each => each.pattern)?.pattern ?? 'no pattern'
    return new RegExp(pattern).test(text)
  }
  const texts = [
    'a',
    '/puppet/ca.pem',
    '5s',
    '10 m',
    'https://a:1',
    'https://a:1/',
    'https://a/b',
    '::1',
    'a\nb',
    'é'
  ]
  const checked = ['tls.cert', 'tls.ca', 'ca.url', 'listen.host', 'health.path', 'upstream.tls.serverName']
  for (const path of checked) {
    const leaf = leaves.find(each => each.path.join('.') === path)
    for (const text of texts) {
      t.equal(matches(path.split('.'), text), leaf?.schema.safeParse(text).success, `${path} ${text}`)
    }
  }
})
