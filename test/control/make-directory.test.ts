import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeDirectory } from '../../src/control/make-directory.ts'

t.test(
  'a directory is made with those above it, for this user alone, and stays when it is there',
  async t => {
    const there = t.testdir()
    const directory = join(there, 'a', 'b')
    await makeDirectory(directory)
    await makeDirectory(directory)
    t.equal(statSync(join(there, 'a')).mode & 0o777, 0o700)
    t.equal(statSync(directory).mode & 0o777, 0o700)
  }
)

t.test('what stands in its place is told by its code', async t => {
  const there = t.testdir()
  writeFileSync(join(there, 'file'), '')
  await t.rejects(makeDirectory(join(there, 'file')), { code: 'EEXIST' })
  await t.rejects(makeDirectory(join(there, 'file', 'a')), { code: 'ENOTDIR' })
})
