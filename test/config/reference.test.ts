import t from 'tap'
import { listMetrics } from '../../src/build/metric-list.ts'
import { reference } from '../../src/build/reference.ts'
import { leaves } from '../../src/config/schema-tree.ts'
import { repositoryFile } from './fixture.ts'

t.test('the reference is that of the schema and the metrics there are (npm run reference)', async t => {
  t.equal(repositoryFile('config/README.md'), reference())
})

t.test('every key has a row with what is allowed and what it means, and every metric one', async t => {
  const rows = new Map(
    reference()
      .split('\n')
      .map(line => line.split('|').map(cell => cell.trim()))
      .map(([, name = '', ...cells]) => [name.replaceAll('`', ''), cells])
  )
  for (const { path } of leaves) {
    const [allowed, , meaning] = rows.get(path.join('.')) ?? []
    t.match([allowed, meaning], [/\w/, /\w.*\.$/], path.join('.'))
  }
  for (const { name } of listMetrics()) t.ok(rows.has(name), name)
})
