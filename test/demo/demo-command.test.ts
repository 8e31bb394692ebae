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
import type { DemoOptions } from '../../src/commands/demo.ts'
import type { Event } from '../../src/model/event.ts'
import type { Status } from '../../src/model/status.ts'
import { listeningPorts, listensOnLoopbackOnly } from '../support/listening-ports.ts'

const run = promisify(execFile)
const module = new URL('../../src/commands/demo.ts', import.meta.url)
const runtimeModule = new URL('../support/fast-runtime.ts', import.meta.url)
const hasCurl = spawnSync('curl', ['--version']).status === 0

interface Demo {
  readonly process: ChildProcess
  readonly stderr: Readable
  readonly directory: string
  /** Resolves with the first printed line, from now or earlier, that matches. */
  readonly line: (pattern: RegExp) => Promise<string>
  readonly printed: readonly string[]
}

/** Starts it as a process. `times`: so many times as fast do agents and the tour live. */
function start(t: Test, options: Pick<DemoOptions, 'host' | 'port' | 'agents' | 'tour'>, times = 1): Demo {
  const directory = t.testdir({})
  const settings = JSON.stringify({ adminPort: 0, directory, ...options })
  const script = `
    import { demo } from '${module.href}'
    import { fastRuntime } from '${runtimeModule.href}'
    process.exitCode = await demo({ ...${settings}, runtime: fastRuntime(${times}) })
  `
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

/** The commands of the guide, as somebody copies them. */
function commandsOf({ printed }: Demo): readonly string[] {
  const guide = printed.slice(0, printed.indexOf('Ctrl-C ends it.')).join('\n')
  return guide.replace(/ \\\n +/g, ' ').match(/(?<=^ {2})\S.*$/gm) ?? []
}

/** Runs a curl command as it was printed; the status of its answer. */
async function statusOf(command: string, cwd: string): Promise<string> {
  const quiet = command.replace('curl', "curl -s -o answer -w '%{http_code}'")
  return (await run('sh', ['-c', quiet], { cwd })).stdout
}

/** Runs a command of puppet-lb as it was printed, where neither it nor its Node is on the PATH; what it said. */
async function wordsOf(command: string, cwd: string): Promise<string> {
  return (await run('sh', ['-c', command], { cwd, env: { PATH: '/usr/bin:/bin' } })).stdout
}

/** What the balancer has told by the first event of a kind, from the first master that was down on. */
async function eventsUntil(last: string, page: string): Promise<readonly string[]> {
  const { body } = await fetch(`${page}api/events`)
  let text = ''
  for await (const bytes of body ?? []) {
    text += Buffer.from(bytes).toString()
    if (new RegExp(`"kind":"${last}".*\n\n`).test(text)) break
  }
  const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as Event)
  const told = events.map(({ kind, master }) => [kind, master].filter(Boolean).join(' '))
  return told.slice(told.findIndex(each => each.startsWith('master-down')))
}

t.test('it serves, its agents run, and Ctrl-C ends it well', async t => {
  const demo = start(t, { port: 0, agents: 7 })
  await demo.line(/^Ctrl-C ends it/)
  const [first = '', second = ''] = demo.printed
  const [, page = ''] = /^Status page: (http:\/\/127\.0\.0\.1:\d+\/)$/.exec(first) ?? []
  const answer = await fetch(page)
  t.equal(answer.status, 200)
  t.match(answer.headers.get('content-type'), 'text/html')
  t.match(second, '--tour')
  t.ok(demo.printed.some(line => line.includes(' 7 agents ')))
  const firstRun = await demo.line(/first run/)
  t.match(firstRun, /\.demo: first run, exit status 2, \d+ requests over 1 connection$/)

  const { pid = 0 } = demo.process
  t.ok(listeningPorts(pid).length > 5, 'masters, the CA and both listeners of the balancer')
  t.ok(listensOnLoopbackOnly(pid), 'and nobody on another machine reaches any of them')

  // The terminal and npm both pass Ctrl-C on.
  demo.process.kill('SIGINT')
  await demo.line(/^Stopping/)
  demo.process.kill('SIGINT')
  t.same(await once(demo.process, 'exit'), [0, null])
  t.notMatch(demo.printed.join('\n'), /exit status 1/, 'no run failed')
})

t.test(
  'each command that it prints does what is said, as it stands',
  { skip: !hasCurl && 'there is no curl' },
  async t => {
    const demo = start(t, { port: 0 })
    await demo.line(/^Ctrl-C ends it/)
    const commands = commandsOf(demo)
    const named = (what: string) => commands.filter(each => each.includes(what))
    const curl = (what: string) => Promise.all(named(what).map(each => statusOf(each, demo.directory)))
    const words = (what: string) => wordsOf(named(what)[0] ?? 'false', demo.directory)
    t.equal(commands.length, 10)

    await demo.line(/^web01\.demo: first run/)
    t.match(await words(' drain '), /master-3 is drained/)
    t.match(await words(' status'), /master-3 .*drained/)
    t.match(await words(' undrain '), /master-3 is up/)
    t.match(await words(' agents'), 'web01.demo')
    t.same(await curl('/metrics'), ['200'])

    const [kill = 'false'] = named('kill')
    await wordsOf(kill, demo.directory)
    await demo.line(/^master-3 is dead/)
    t.same(await curl('/catalog/'), ['200', '403'], 'with a master less')
    await wordsOf(kill, demo.directory)
    await demo.line(/^master-3 comes back/)

    t.same(await curl('-X PUT'), ['204'])
    t.match(await demo.line(/^web01\.demo: refused/), /: it is revoked\. Request /)
    t.same(await curl('-X DELETE'), ['204'])
    await demo.line(/^web01\.demo: first run anew/)
    t.equal(demo.printed.filter(line => /^web01.*refused/.test(line)).length, 1, 'it is told once')
  }
)

t.test(
  'on another address than the usual one its agents run as well, and curl is served there',
  { skip: !hasCurl && 'there is no curl' },
  async t => {
    const demo = start(t, { host: '127.0.0.2', port: 0 })
    await demo.line(/^db01\.demo: first run/)
    const catalogs = commandsOf(demo).filter(
      each => each.includes('https://127.0.0.2:') && each.includes('/catalog/')
    )
    const statuses = await Promise.all(catalogs.map(each => statusOf(each, demo.directory)))
    t.same(statuses, ['200', '403'])
  }
)

t.test('a tour shows one thing after the other, and no agent but the revoked one is refused', async t => {
  const demo = start(t, { port: 0, tour: true }, 20)
  await demo.line(/^The tour is over/)
  const told = demo.printed.slice(demo.printed.indexOf('Ctrl-C ends it.'))
  const steps = told.filter(line => /tour|dead|back|refused|anew/i.test(line) && !/^\d+ runs/.test(line))
  const expected = [
    /^Tour: every agent was served/,
    /^Tour 1 of 6: master-3 dies/,
    /^master-3 is dead/,
    /^Tour: master-3 is down/,
    /^Tour 2 of 6: master-3 /,
    /^master-3 comes back/,
    /^Tour: master-3 is up/,
    /^Tour 3 of 6: master-2 is drained/,
    /^Tour: master-2 is drained/,
    /^Tour 4 of 6: master-2 /,
    /^Tour: master-2 is up/,
    /^Tour 5 of 6: web01\.demo is revoked/,
    /^web01\.demo: refused: .*: it is revoked\. Request /,
    /^Tour 6 of 6: /,
    /^web01\.demo: first run anew/,
    /^The tour is over/
  ]
  t.match(steps, expected)
  t.equal(steps.length, expected.length)
  t.notMatch(told.join('\n'), /exit status 1|cannot enrol/, 'no run failed')

  const [, page = ''] = /^Status page: (\S+)$/.exec(demo.printed[0] ?? '') ?? []
  const { masters, crl } = (await (await fetch(`${page}api/status`)).json()) as Status
  t.match(
    masters,
    [1, 2, 3].map(() => ({ state: /^(up|warming)$/, mode: 'active' }))
  )
  t.equal(crl?.entries, 1)
  const events = await eventsUntil('crl', page)
  // Whether one is ejected before it is down, and probed before it is given back, is a matter of moments.
  const byTheWay = ['master-ejected master-3', 'master-up master-2']
  t.same(
    events.filter(each => !byTheWay.includes(each)),
    [
      'master-down master-3',
      'master-up master-3',
      'master-drain master-2',
      'master-drained master-2',
      'master-undrain master-2',
      'crl'
    ]
  )
  demo.process.kill('SIGINT')
  t.same(await once(demo.process, 'exit'), [0, null])
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
