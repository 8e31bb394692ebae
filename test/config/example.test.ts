import t from 'tap'
import { parse } from 'yaml'
import { jsonSchema } from '../../src/config/json-schema.ts'
import type { Config } from '../../src/model/settings.ts'
import { authority, load, pemFiles, problemsOf, repositoryFile } from './fixture.ts'

const example = repositoryFile('config/puppet-lb.yaml')
/** The same with its commented keys in force: lines of a comment that hold a key, or the comment of one. */
const inFull = example.replace(
  /^( *)# (( {2})*(?:(?:- )?[a-z][A-Za-z]*:(?: \S+| [[{].*[\]}])?|# .*))$/gm,
  '$1$2'
)

const server = await authority.issue({ certname: 'puppet.example.com' })
const tls = {
  'puppet.example.com.pem': server.chain,
  'puppet.example.com.key': server.key,
  'lb.pem': server.cert,
  'lb.key': server.key,
  'ca.pem': pemFiles['ca.pem'],
  'crl.pem': pemFiles['crl.pem'],
  'admin.token': 'correct-horse-battery-staple\n'
}
const files = Object.fromEntries(Object.entries(tls).map(([name, text]) => [`tls-${name}`, text]))
const beside = (yaml: string) => yaml.replaceAll('tls/', 'tls-')

t.test('the example can be used with certificates beside it', async t => {
  t.same(problemsOf(t, beside(example), { files }), [])
})

t.test('what the example has commented out can be used too', async t => {
  t.same(problemsOf(t, beside(inFull), { files }), [])
  const { boot, settings } = load(t, beside(inFull), { files })
  const { tls, upstream, access } = settings
  t.ok(tls.crl && upstream.tls.client && upstream.tls.serverName, 'and it is in force here')
  t.ok(boot.admin.token && boot.admin.socket && access.administrators[0], 'and so are keys that came later')
})

t.test('the example says nothing but the defaults', async t => {
  const required = example.replace(
    /^(listen|discovery|upstream|health|balance|queue|access|admin|log):\n(( .*)?\n)+/gm,
    ''
  )
  t.notMatch(required, /^listen:/m)
  const optionalPart = ({ boot, settings: { tls, ca, masters, ...optional } }: Config) => [boot, optional]
  const [bare, full] = [required, example].map(yaml => optionalPart(load(t, beside(yaml), { files })))
  t.same(full, bare)
})

t.test('editors find the schema', async t => {
  t.equal(example.split('\n')[0], '# yaml-language-server: $schema=puppet-lb.schema.json')
})

interface Node {
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly default?: unknown
  readonly deprecated?: boolean
}

/** Every key of the schema that holds a value, with its default. */
function keysOf(
  node: Node,
  path: readonly (string | number)[] = []
): { path: readonly (string | number)[]; fallback: unknown }[] {
  if (node.deprecated) return []
  if (node.items?.properties) return keysOf(node.items, [...path, 0])
  if (!node.properties) return [{ path, fallback: node.default }]
  return Object.entries(node.properties).flatMap(([key, child]) => keysOf(child, [...path, key]))
}

const written: unknown = parse(inFull)
for (const { path, fallback } of keysOf(JSON.parse(jsonSchema()) as Node)) {
  const name = path.join('.')
  t.test(`the example has ${name}${fallback === undefined ? '' : ' with its default'}`, async t => {
    const value = path.reduce<unknown>(
      (at, key) => (at as Record<string | number, unknown> | undefined)?.[key],
      written
    )
    if (fallback === undefined) t.not(value, undefined)
    else t.same(value, fallback)
  })
}
