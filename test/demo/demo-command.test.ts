import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { listeningPorts, listensOnLoopbackOnly } from '../support/listening-ports.ts'

const run = promisify(execFile)
const module = new URL('../../src/commands/demo.ts', import.meta.url)
const hasCurl = spawnSync('curl', ['--version']).status === 0

interface Demo {
  readonly process: ChildProcess
  readonly stderr: Readable
  readonly directory: string
  /** Resolves with the first printed line, from now or earlier, that matches. */
  readonly line: (pattern: RegExp) => Promise<string>
  readonly printed: readonly string[]
}

function start(t: Test, options: { readonly port: number; readonly agents?: number }): Demo {
  const directory = t.testdir({})
  const settings = JSON.stringify({ adminPort: 0, directory, ...options })
  const script = `import { demo } from '${module.href}'\nprocess.exitCode = await demo(${settings})\n`
  const entry = join(directory, 'entry.mjs')
  writeFileSync(entry, script)
  const child = spawn(process.execPath, [entry], { cwd: directory })
  t.teardown(() => child.kill('SIGKILL'))
  const printed: string[] = []
  const waiting = new Set<{ pattern: RegExp; resolve: (line: string) => void }>()
  createInterface(child.stdout).on('line', line => {
    printed.push(line)
    for (const waiter of waiting) if (waiter.pattern.test(line)) waiter.resolve(line)
  })
  const line = (pattern: RegExp) => {
    const { promise, resolve } = Promise.withResolvers<string>()
    waiting.add({ pattern, resolve })
    const earlier = printed.find(each => pattern.test(each))
    if (earlier !== undefined) resolve(earlier)
    return promise
  }
  return { process: child, stderr: child.stderr, directory, line, printed }
}

/** Runs a curl command as it was printed; the status of its answer. */
async function statusOf(command: string, cwd: string): Promise<string> {
  const { stdout } = await run('sh', ['-c', command.replace('curl', "curl -s -o answer -w '%{http_code}'")], {
    cwd
  })
  return stdout
}

t.test('it serves, its agents run, what it prints can be done, and Ctrl-C ends it well', async t => {
  const demo = start(t, { port: 0, agents: 7 })
  await demo.line(/^Ctrl-C ends it/)
  t.ok(demo.printed.some(line => line.includes(' 7 simulated agents ')))
  const firstRun = await demo.line(/first run/)
  t.match(firstRun, /\.demo: first run, exit status 2, \d+ requests over 1 connection$/)

  const { pid = 0 } = demo.process
  t.ok(listeningPorts(pid).length > 5, 'masters, the CA and both listeners of the balancer')
  t.ok(listensOnLoopbackOnly(pid), 'and nobody on another machine reaches any of them')

  const commands = demo.printed.filter(line => line.startsWith('  curl'))
  if (hasCurl) {
    const statuses = []
    for (const command of commands) statuses.push(await statusOf(command, demo.directory))
    t.same(statuses, ['200', '200', '200', '403', '204', '200'])
  }

  demo.process.kill('SIGUSR2')
  await demo.line(/^master-3 is dead/)
  const [asAgent = ''] = commands
  if (hasCurl) t.equal(await statusOf(asAgent, demo.directory), '200', 'with a master less')
  demo.process.kill('SIGUSR2')
  await demo.line(/^master-3 comes back/)

  // The terminal and npm both pass Ctrl-C on.
  demo.process.kill('SIGINT')
  await demo.line(/^Stopping/)
  demo.process.kill('SIGINT')
  t.same(await once(demo.process, 'exit'), [0, null])
  t.notMatch(demo.printed.join('\n'), /exit status 1/, 'no run failed')
})

t.test('a port that is taken is one clear sentence and exit code 2', async t => {
  const taken = createServer()
  taken.listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const demo = start(t, { port })
  const [complaint, [code]] = await Promise.all([text(demo.stderr), once(demo.process, 'exit')])
  t.equal(code, 2)
  t.equal(
    complaint,
    `puppet-lb demo cannot start: port ${port} is taken; stop what listens there, or choose another: npm start -- --port N\n`
  )
  t.same(demo.printed, [])
})

t.test(
  'where there is no demonstration, as in the image, that is one clear sentence and exit code 2',
  async t => {
    const checkout = new URL('../..', import.meta.url)
    const directory = t.testdir({})
    const left = readFileSync(new URL('.dockerignore', checkout), 'utf8').split('\n')
    for (const name of ['package.json', 'src']) {
      const from = fileURLToPath(new URL(name, checkout))
      const filter = (source: string) => !left.includes(relative(fileURLToPath(checkout), source))
      cpSync(from, join(directory, name), { recursive: true, filter })
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(directory, 'src/main.ts'), 'demo'])
    t.equal(status, 2)
    t.equal(String(stdout), '')
    t.equal(
      String(stderr),
      'puppet-lb demo cannot start: the demonstration is not part of the container image; use npm start in a checkout\n'
    )
  }
)
