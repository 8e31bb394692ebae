import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Terminal } from '../../src/commands/terminal.ts'
import { type Operate, UnknownMasterError } from '../../src/model/operation.ts'
import type { MasterStatus } from '../../src/model/status.ts'
import { startScene, status } from '../admin/scene.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { puppetLb } from './puppet-lb.ts'

type Test = { teardown: (task: () => unknown) => void }

const LOOK_MS = 500
const alpha = status.masters[0] as MasterStatus

/** A balancer whose masters are what a test says by now, and what it was asked to do. */
async function setUp(
  t: Test,
  operate: Operate = async () => ({ done: ['it is done'], masters: [alpha], warnings: [] })
) {
  const asked: Parameters<Operate>[] = []
  const fake = fakeRuntime()
  let looks = 0
  let masters: readonly MasterStatus[] = [alpha]
  let pauses = Promise.withResolvers<void>()
  const runtime = {
    ...fake,
    schedule(delayMs: number, task: () => void) {
      pauses.resolve()
      return fake.schedule(delayMs, task)
    }
  }
  const scene = await startScene(t, {
    deps: {
      operate(...args) {
        asked.push(args)
        return operate(...args)
      },
      masters() {
        looks++
        return masters
      }
    }
  })
  function become(...next: Partial<MasterStatus>[]): void {
    masters = next.map(each => ({ ...alpha, ...each }))
  }
  return {
    ...{ ...scene, asked },
    looks: () => looks,
    run: (...args: string[]) => puppetLb([...args, '--admin', scene.origin], { runtime }),
    begin: (terminal: Partial<Terminal>, ...args: string[]) =>
      puppetLb([...args, '--admin', scene.origin], { runtime, ...terminal }),
    become,
    /** When it pauses: masters become this, and the time to the next look passes. */
    async turn(...next: Partial<MasterStatus>[]) {
      await pauses.promise
      pauses = Promise.withResolvers()
      become(...next)
      await fake.advance(LOOK_MS)
    }
  }
}

t.test('every operation is asked for, and what came of it is printed', async t => {
  const { run, asked, looks } = await setUp(t)
  for (const [args, operation] of [
    [['drain', 'alpha'], { action: 'drain' }],
    [['undrain', 'alpha'], { action: 'undrain' }],
    [['maint', 'alpha'], { action: 'maint' }],
    [['weight', 'alpha', '5'], { action: 'weight', weight: 5 }],
    [['weight', 'alpha', '0'], { action: 'weight', weight: 0 }],
    [['weight', 'alpha', 'default'], { action: 'weight', weight: 'default' }],
    [['drain', 'rr/192.0.2.50'], { action: 'drain' }]
  ] as const) {
    t.same(await run(...args), { code: 0, out: 'it is done\n', err: '' })
    t.same(asked.at(-1)?.slice(0, 2), [args[1], operation])
  }
  t.equal(looks(), 0, 'nobody is waited for unasked')
})

t.test('warnings go to standard error', async t => {
  const { run } = await setUp(t, async () => ({
    done: ['one', 'two'],
    masters: [],
    warnings: ['mind', 'that']
  }))
  t.same(await run('drain', 'alpha'), { code: 0, out: 'one\ntwo\n', err: 'warning: mind\nwarning: that\n' })
})

t.test('a master that there is not ends it with 1', async t => {
  const { run } = await setUp(t, async name => {
    throw new UnknownMasterError(`there is no master "${name}"`)
  })
  for (const args of [['drain'], ['undrain'], ['maint'], ['weight']] as const)
    t.same(await run(args[0], 'omega', ...(args[0] === 'weight' ? ['1'] : [])), {
      code: 1,
      out: '',
      err: 'puppet-lb: there is no master "omega"\n'
    })
})

t.test('input that cannot be right ends it with 1, and nobody is asked', async t => {
  const { run, asked } = await setUp(t)
  for (const args of [
    ['drain'],
    ['drain', ''],
    ['drain', '..'],
    ['drain', 'a', 'b'],
    ['drain', 'a', '--timeout', '10'],
    ['weight', 'a'],
    ['weight', 'a', '-1'],
    ['weight', 'a', '1000001'],
    ['weight', 'a', '1.5'],
    ['weight', 'a', 'Default'],
    ['weight', 'a', '0x1']
  ]) {
    const { code, out, err } = await run(...args)
    t.equal(code, 1, args.join(' '))
    t.equal(out, '')
    t.match(err, /^puppet-lb: .+\n$/)
  }
  t.same(asked, [])
})

t.test('each has its help', async t => {
  for (const command of ['drain', 'undrain', 'maint', 'weight'])
    t.match(await puppetLb([command, '--help']), {
      code: 0,
      out: new RegExp(`^Usage: puppet-lb ${command} `),
      err: ''
    })
})

t.test('nobody there, and a balancer that does not know it, end it with 2', async t => {
  const { run, close } = await setUp(t)
  await close()
  t.match(await run('drain', 'a'), { code: 2, out: '', err: /cannot be reached: ECONNREFUSED\n$/ })
  const server = createServer((_request, response) => response.writeHead(404).end('There is /metrics.\n'))
  server.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.match(await puppetLb(['drain', 'a', '--admin', origin]), { code: 2, err: /does not know this command/ })
})

for (const [action, way, end, said] of [
  [
    'drain',
    [{ mode: 'draining' }, { mode: 'draining', inFlight: 0 }],
    { mode: 'drained' },
    'alpha is drained'
  ],
  [
    'maint',
    [{ mode: 'maint', inFlight: 2 }],
    { mode: 'maint', inFlight: 0 },
    'alpha is in maintenance, and no request is left there'
  ],
  ['undrain', [{ state: 'down' }, { state: 'warming' }], { state: 'up' }, 'alpha is up']
] as const)
  t.test(`${action} --wait goes on until it had its whole effect`, async t => {
    const { run, become, turn, looks } = await setUp(t)
    become(way[0])
    const ended = run(action, 'alpha', '--wait')
    for (const next of [...way.slice(1), end]) await turn(next)
    t.same(await ended, { code: 0, out: `it is done\n${said}\n`, err: '' })
    t.equal(looks(), way.length + 1)
  })

t.test('--wait says on a terminal what is still open, in one line that is gone in the end', async t => {
  const { begin, become, turn } = await setUp(t)
  become({ mode: 'draining', inFlight: 2 })
  const ended = begin({ isInteractive: true }, 'drain', 'alpha', '--wait')
  await turn({ mode: 'draining', inFlight: 1 })
  await turn({ mode: 'draining', inFlight: 0 })
  await turn({ mode: 'drained' })
  const { out, err } = await ended
  t.same(out.split('\r\x1b[K'), [
    'it is done\n',
    'alpha: 2 requests open (0 s)',
    '',
    'alpha: 1 request open (1 s)',
    '',
    'alpha: no request open, waiting for the runs it has (1 s)',
    'alpha is drained\n'
  ])
  t.equal(err, '')
})

t.test('of several all are waited for, and each is told when it is there', async t => {
  const masters = [
    { ...alpha, name: 'rr/1' },
    { ...alpha, name: 'rr/2' }
  ]
  const { run, become, turn } = await setUp(t, async () => ({ done: ['both'], masters, warnings: [] }))
  become({ name: 'rr/1', mode: 'draining' }, { name: 'rr/2', mode: 'drained' })
  const ended = run('drain', 'rr', '--wait')
  await turn({ name: 'rr/1', mode: 'drained' }, { name: 'rr/2', mode: 'active' })
  t.same(await ended, { code: 0, out: 'both\nrr/2 is drained\nrr/1 is drained\n', err: '' })
})

t.test('one that leaves meanwhile is waited for until it has left', async t => {
  const { run, become, turn } = await setUp(t)
  become({ mode: 'leaving' })
  const ended = run('drain', 'alpha', '--wait')
  await turn()
  t.same(await ended, { code: 0, out: 'it is done\nalpha has left\n', err: '' })
})

t.test('one that waits goes on when a balancer takes over from another', async t => {
  const { run, become, turn, release, reopen } = await setUp(t)
  become({ mode: 'draining' })
  const ended = run('drain', 'alpha', '--wait')
  await turn({ mode: 'draining' })
  release()
  await turn()
  await turn()
  await reopen()
  await turn({ mode: 'drained' })
  t.same(await ended, { code: 0, out: 'it is done\nalpha is drained\n', err: '' })
})

t.test('when somebody wants it otherwise meanwhile, that ends it with 2', async t => {
  const { run, become } = await setUp(t)
  become({ mode: 'active' })
  t.same(await run('drain', 'alpha', '--wait'), {
    code: 2,
    out: 'it is done\n',
    err: 'puppet-lb: alpha is active by now: somebody wanted it otherwise meanwhile\n'
  })
})

t.test('--timeout waits no longer, and says how far it is', async t => {
  const { run, become, turn } = await setUp(t)
  become({ mode: 'draining', inFlight: 3 })
  const ended = run('drain', 'alpha', '--timeout', '700ms')
  await turn({ mode: 'draining', inFlight: 2 })
  await turn({ mode: 'draining', inFlight: 1 })
  t.same(await ended, {
    code: 2,
    out: 'it is done\n',
    err: 'puppet-lb: alpha is not drained in time: it is up, draining, and has 1 open requests\n'
  })
})

t.test('a balancer that goes away for good while it is waited for ends it with 2', async t => {
  const { run, become, turn, release } = await setUp(t)
  become({ mode: 'draining' })
  const ended = run('drain', 'alpha', '--wait')
  await turn({ mode: 'draining' })
  release()
  // Two looks a second, for a quarter of a minute.
  for (let look = 0; look < 30; look++) await turn()
  t.match(await ended, { code: 2, err: /cannot be reached: ECONNREFUSED\n$/ })
})
