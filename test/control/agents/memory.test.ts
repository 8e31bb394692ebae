import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const MIB = 1024 ** 2
const program = fileURLToPath(new URL('full-book.ts', import.meta.url))

t.test('100,000 agents, each with some runs, are held in less than 64 MiB', async t => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program])
  const { agents, bytes, milliseconds } = JSON.parse(stdout)
  t.comment(
    `${agents} agents: ${(bytes / MIB).toFixed(1)} MiB; milliseconds: ${JSON.stringify(milliseconds)}`
  )
  t.equal(agents, 100_000)
  t.ok(bytes < 64 * MIB, `${bytes} bytes`)
})
