import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join, relative } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { listeningPorts, listensOnLoopbackOnly } from '../support/listening-ports.ts'
import { startDemo } from './demo-process.ts'

t.test('it serves, its agents run, and Ctrl-C ends it well', async t => {
  const demo = startDemo(t, { port: 0, agents: 7 })
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

t.test('a port that is taken is one clear sentence and exit code 2', async t => {
  const taken = createServer()
  taken.listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const demo = startDemo(t, { port })
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
