import t from 'tap'
import { type CatalogHead, createCatalogHeadReader } from '../../src/puppet/catalog-head.ts'
import { seededDice } from '../support/runtime.ts'

/** What is known of a catalog that comes in these pieces, and of how many bytes that wanted. */
function read(pieces: readonly Uint8Array[]): {
  readonly head: CatalogHead | undefined
  readonly isOver: boolean
} {
  const reader = createCatalogHeadReader()
  let isOver = false
  for (const piece of pieces) isOver = reader.push(piece)
  return { head: reader.head(), isOver }
}

const readText = (text: string) => read([Buffer.from(text)])
const json = (value: unknown) => readText(JSON.stringify(value))

const resources = [
  { version: 'no', code_id: 'no', environment: 'no', parameters: { data: { version: 'no' } } }
]
/** In the order of Puppet 4 to 8. */
const usual = {
  tags: ['settings', 'version":"no', '\\', '{"version":"no"'],
  name: 'web-1.example.com',
  version: '4f1c2a9',
  code_id: null,
  catalog_uuid: 'uuid',
  catalog_format: 2,
  environment: 'production',
  resources
}

t.test('a catalog of Puppet 4 to 8 says its version behind its tags', async t => {
  t.same(json(usual), {
    head: { environment: 'production', version: '4f1c2a9', codeId: undefined },
    isOver: true
  })
  t.match(json({ ...usual, code_id: 'urn:puppet:1' }).head, { codeId: 'urn:puppet:1' })
})

t.test('in whatever pieces it comes, cut anywhere', async t => {
  const random = seededDice(7)
  const bytes = Buffer.from(JSON.stringify(usual, null, 1))
  for (let round = 0; round < 300; round++) {
    const cuts = Array.from({ length: 5 }, () => Math.floor(random() * bytes.length)).sort((a, b) => a - b)
    const pieces = [...cuts, bytes.length].map((end, index) => bytes.subarray(cuts[index - 1] ?? 0, end))
    if (read(pieces).head?.version !== '4f1c2a9') t.fail(`cut at ${cuts}`)
  }
  for (const byte of [1])
    t.equal(read([...bytes].map(each => Buffer.of(each * byte))).head?.version, '4f1c2a9')
})

t.test('a catalog of Puppet 3 has all of it one object deeper, and no code_id', async t => {
  const { tags, name, version, environment } = usual
  const data = { tags, name, version, environment, resources }
  const { head, isOver } = json({ document_type: 'Catalog', data, metadata: { version: 'no' } })
  t.same(head, { environment: 'production', version: '4f1c2a9', codeId: undefined })
  t.ok(isOver, 'and at its resources nothing more is looked for')
})

t.test('the number that Puppet puts in is no version', async t => {
  t.same(json({ ...usual, version: 1_764_000_000 }).head, {
    environment: 'production',
    version: undefined,
    codeId: undefined
  })
})

t.test('values are unescaped, and those that are no text, too long or damaged are none', async t => {
  t.equal(json({ ...usual, version: 'a"b\\c\n→' }).head?.version, 'a"b\\c\n→')
  t.equal(json({ ...usual, version: { version: 'inner' } }).head?.version, undefined)
  t.equal(json({ ...usual, version: 'x'.repeat(256) }).head?.version, 'x'.repeat(256))
  t.equal(json({ ...usual, version: 'x'.repeat(257) }).head?.version, undefined)
  t.match(json({ ...usual, ['n'.repeat(1_000)]: 'v', environment: 'dev' }).head, { version: '4f1c2a9' })
  t.equal(readText('{"version":"\\x","environment":"e","resources":[').head?.version, undefined)
})

t.test('PSON may hold bytes that are no UTF-8', async t => {
  const [before = '', after = ''] = JSON.stringify({ ...usual, tags: ['@'] }).split('@')
  const bytes = Buffer.concat([Buffer.from(before), Buffer.of(0xff, 0x80, 0xc3), Buffer.from(after)])
  t.equal(read([bytes]).head?.version, '4f1c2a9')
})

t.test('what is no catalog tells nothing', async t => {
  for (const text of [
    '',
    '[{"version":"v"}]',
    'version',
    '<html>"version":"v"',
    '"version"',
    '{}',
    '{"name":1}'
  ])
    t.equal(readText(text).head, undefined, text)
  t.equal(read([Buffer.of(0x8a, 0xa7), Buffer.from('version')]).isOver, true, 'MessagePack is not read')
})
