import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import type { Status, StatusReport } from '../../src/model/status.ts'
import { idle } from '../admin/overview.ts'
import { roomy, startScene, status } from '../admin/scene.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { puppetLb } from './puppet-lb.ts'

const WATCH_MS = 2_000
const HOME = '\x1b[H'

t.test('the state of a balancer is told to a person', async t => {
  const { origin } = await startScene(t)
  t.same(await puppetLb(['status', '--admin', origin], { runtime: fakeRuntime() }), {
    code: 0,
    out: `ready:        yes
look at:      The certificate ca-1 has ended. Renew /etc/puppet-lb/ca.pem.
              31 catalogs wait for 12 JRubies. If that lasts, agents start too much at once, or the masters are too few.
              Only a restart applies listen.port.
masters:      name   state  mode      open  JRubies  weight              priority  URL                             cause
              alpha  up     active    3     12       75                  0         https://alpha.example.com:8140
              b      down   draining  0     12       1 (configured: 10)  1         https://alpha.example.com:8140  ECONNREFUSED
absent:       rr/192.0.2.9: maint
CA:           https://ca.example.com:8140 is up
queue:        31 catalog, 2 report, 0 light
certificates: role    valid until               days  source
              server  2026-03-02T00:00:00.000Z  60    /etc/puppet-lb/server.pem
              ca-1    2025-12-31T00:00:00.000Z  -1    /etc/puppet-lb/ca.pem
CRL:          3 revoked, number 7, of 2025-12-30T00:00:00.000Z, next due 2026-01-30T00:00:00.000Z (29 days), /etc/puppet-lb/crl.pem
last reload:  2026-01-01T00:00:00.000Z, ok
              needs a restart: listen.port
version:      0.1.0
`,
    err: ''
  })
})

t.test('nothing that a balancer tells steers the terminal, wherever it stands', async t => {
  const evil = '\x1b[31m\x07\u202e\x9b2J'
  const deps = {
    status: (): StatusReport => ({
      ...status,
      ready: true,
      ownCertificate: { state: 'revoked', cause: `own${evil}` },
      crl: { ...(status.crl as NonNullable<Status['crl']>), source: `file${evil}`, problem: `crl${evil}` },
      reload: { ...status.reload, ok: false, problems: [`lb.yaml:1 no key${evil}`] },
      kept: [{ name: `gone${evil}`, mode: 'maint', weight: null }],
      certificates: status.certificates.map(each => ({ ...each, source: `${each.source}${evil}` })),
      code: [
        {
          environment: 'production',
          versions: 1,
          differsSince: null,
          masters: [{ name: `m1${evil}`, version: `v1${evil}`, since: '', seen: '' }]
        }
      ]
    })
  }
  const { origin } = await startScene(t, { deps })
  const { out } = await puppetLb(['status', '--admin', origin])
  t.match(out, 'gone[31m')
  t.same(out.replaceAll('\n', '').match(/[\p{Cc}\p{Cf}]/gu), null)
})

t.test('what is wrong is told with its cause', async t => {
  const bad: StatusReport = {
    ...status,
    ready: false,
    masters: [],
    ca: { ...status.ca, state: 'down', cause: 'no answer within 3 s' },
    ownCertificate: { state: 'revoked', cause: 'the list in force names it' },
    crl: null,
    reload: { ...status.reload, ok: false, problems: ['lb.yaml:1:1 tls: is missing'], needsRestart: [] }
  }
  const { origin } = await startScene(t, {
    deps: { status: () => bad, notReady: () => 'no master can serve' }
  })
  const { code, out } = await puppetLb(['status', '--admin', origin])
  t.equal(code, 0, 'it answered, which is all that is asked for')
  for (const line of [
    'ready:        no: no master can serve\n',
    'masters:      none\n',
    'CA:           https://ca.example.com:8140 is down: no answer within 3 s\n',
    '              REVOKED: the list in force names it\n',
    'CRL:          none\n',
    'last reload:  2026-01-01T00:00:00.000Z, refused, the settings before it are in force\n',
    '                lb.yaml:1:1 tls: is missing\n'
  ]) {
    t.ok(out.includes(line), line)
  }
})

t.test(
  'how much of a pool is used and what it could take is told, with its name where there are others',
  async t => {
    const capacity = [roomy, { ...roomy, pool: 'dmz' }]
    const print = async (pools: Status['capacity']) => {
      const { origin } = await startScene(t, { deps: { status: () => ({ ...status, capacity: pools }) } })
      return (await puppetLb(['status', '--admin', origin])).out
    }
    const words =
      '62 % of 16 JRubies; room for 4,100 more agents at this run interval (30 min); without b: 900\n'
    t.ok((await print([roomy])).includes(`capacity:     ${words}`))
    const two = await print(capacity)
    t.ok(two.includes(`capacity:     default: ${words}`))
    t.ok(two.includes(`              dmz: ${words}`))
  }
)

t.test('what masters do with catalogs is told as on the page', async t => {
  const work = status.masters.map(() => ({ ...idle, catalogs: 12, share: 0.5, failedShare: 1 }))
  const { origin } = await startScene(t, { deps: { status: () => ({ ...status, work }) } })
  t.match(
    (await puppetLb(['status', '--admin', origin])).out,
    /^look at: +100 % of the last 24 catalogs failed\./m
  )
})

t.test('it may have become ready between two questions', async t => {
  const { origin } = await startScene(t, { deps: { status: () => ({ ...status, ready: false }) } })
  t.match(await puppetLb(['status', '--admin', origin]), { out: /^ready: +yes\n/ })
})

t.test('--json prints what /api/status answers', async t => {
  const { origin } = await startScene(t)
  const { code, out } = await puppetLb(['status', '--json', '--admin', origin])
  t.equal(code, 0)
  t.equal(out, `${await (await fetch(`${origin}/api/status`)).text()}\n`)
  t.strictSame(JSON.parse(out), status)
})

/** Watches until something was printed `count` times; the terminal then goes away, which ends the command. */
function watch(
  args: readonly string[],
  { count, isInteractive = false }: { count: number; isInteractive?: boolean }
) {
  const runtime = fakeRuntime()
  const printed: string[] = []
  let next = Promise.withResolvers<void>()
  const out = (text: string) => {
    printed.push(text)
    next.resolve()
    if (printed.length === count) throw new Error('the terminal is gone')
  }
  const ended = puppetLb(['status', '--watch', ...args], { out, isInteractive, runtime })
  const drawn = async () => {
    await next.promise
    next = Promise.withResolvers<void>()
  }
  const turn = async () => {
    await drawn()
    await runtime.advance(WATCH_MS)
  }
  return { printed, drawn, turn, pass: () => runtime.advance(WATCH_MS), ended }
}

t.test('--watch prints again every two seconds', async t => {
  let waiting = 1
  const deps = { status: () => ({ ...status, queue: { ...status.queue, catalog: waiting++ } }) }
  const { origin } = await startScene(t, { deps })
  const { printed, turn, ended } = watch(['--admin', origin], { count: 3 })
  await turn()
  await turn()
  await ended
  t.equal(printed.length, 3)
  for (const [index, text] of printed.entries()) {
    t.match(text, new RegExp(`^ready: +yes\\n[^]*queue: +${index + 1} catalog`))
  }
})

t.test('--watch draws over what was there on a terminal, and only there', async t => {
  const { origin } = await startScene(t)
  const { printed, turn, ended } = watch(['--admin', origin], { count: 2, isInteractive: true })
  await turn()
  await ended
  for (const text of printed) t.ok(text.startsWith(`${HOME}ready:`))
  const once = await puppetLb(['status', '--admin', origin], { isInteractive: true })
  t.ok(once.out.startsWith('ready:'), 'what is printed once stays below the rest')
})

for (const [format, expected] of [
  [[], /^puppet-lb: the admin listener .* cannot be reached: ECONNREFUSED\n$/],
  [['--json'], /^\{"error":"the admin listener .* cannot be reached: ECONNREFUSED"\}\n$/]
] as const) {
  t.test(`${['--watch', ...format].join(' ')} goes on while the balancer is away`, async t => {
    const { origin, close } = await startScene(t)
    const { printed, drawn, turn, pass, ended } = watch([...format, '--admin', origin], { count: 3 })
    await drawn()
    await close()
    await pass()
    await turn()
    await ended
    t.match(printed[1], expected)
    t.match(printed[2], expected)
  })
}

t.test('--watch ends when the balancer was not there to begin with', async t => {
  const { origin, close } = await startScene(t)
  await close()
  t.match(await puppetLb(['status', '--watch', '--admin', origin]), {
    code: 2,
    out: '',
    err: /cannot be reached/
  })
})

t.test('--watch ends without a word when nobody reads it any more', async t => {
  const { origin } = await startScene(t)
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const child = spawn(process.execPath, [main, 'status', '--watch', '--admin', origin])
  t.teardown(() => child.kill('SIGKILL'))
  let err = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    err += text
  })
  await once(child.stdout, 'data')
  child.stdout.destroy()
  const [code] = await once(child, 'close')
  t.equal(code, 141, 'as shells report SIGPIPE')
  t.equal(err, '')
})

t.test('states have colours for a person at a terminal, and for nobody else', async t => {
  const { origin } = await startScene(t)
  const run = async (terminal: Parameters<typeof puppetLb>[1]) =>
    (await puppetLb(['status', '--admin', origin], { runtime: fakeRuntime(), ...terminal })).out
  const coloured = await run({ isInteractive: true })
  t.ok(coloured.includes('alpha  \x1b[32mup\x1b[39m'))
  const plain = await run({})
  t.equal(stripVTControlCharacters(coloured), plain, 'the columns are where they were')
  t.notOk(plain.includes('\x1b'))
  t.equal(await run({ isInteractive: true, env: { NO_COLOR: '1' } }), plain)
  t.equal(await run({ isInteractive: true, env: { TERM: 'dumb' } }), plain)
})

t.test('what a master is called or says does not steer the terminal', async t => {
  const masters = [
    { ...(status.masters[1] as Status['masters'][0]), name: 'b\x1b[2J\u202e', cause: '\x07no\x1b]0;x\x07' }
  ]
  const { origin } = await startScene(t, { deps: { status: () => ({ ...status, masters }) } })
  const { out } = await puppetLb(['status', '--admin', origin])
  t.notMatch(out.replaceAll('\n', ''), /\p{Cc}|\p{Cf}/u)
})

t.test('--watch shows what the window has room for', async t => {
  const { origin } = await startScene(t)
  const { out } = await puppetLb(['status', '--watch', '--admin', origin], {
    isInteractive: true,
    window: () => ({ rows: 6, columns: 300 }),
    out: text => {
      throw new Error(text)
    }
  }).then(({ err }) => ({ out: err }))
  t.match(out, /… \d+ more lines/)
})
