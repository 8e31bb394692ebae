import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createOwnFiles } from '../../../src/control/certificates/own-files.ts'

t.test('what a killed process left half-way is removed, and what one is writing stays', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'plb-own-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const twoHoursAgo = new Date(Date.now() - 2 * 3_600_000)
  for (const name of ['key.pem.0123abcd.new', 'cert.pem.00000000.new', 'key.pem', 'other.0123abcd.new']) {
    writeFileSync(join(directory, name), 'x')
    utimesSync(join(directory, name), twoHoursAgo, twoHoursAgo)
  }
  writeFileSync(join(directory, 'key.pem.89abcdef.new'), 'x')
  await createOwnFiles(directory).prepare()
  t.same(readdirSync(directory).sort(), ['key.pem', 'key.pem.89abcdef.new', 'other.0123abcd.new'])
})
