import t from 'tap'
import { createCodeInSync } from '../../../src/control/code/code-in-sync.ts'
import { createEventLog } from '../../../src/control/event-log.ts'
import type { Master, MasterState } from '../../../src/model/master.ts'
import { masters } from '../../support/masters.ts'
import { fakeRuntime } from '../../support/runtime.ts'

/** Masters as the test says, and what is known of their code. */
function setUp(wanted: Parameters<typeof masters>[0] = { a: 1, b: 1, c: 1 }) {
  const runtime = fakeRuntime()
  const events = createEventLog(runtime.wallClock)
  const states = new Map<string, MasterState>()
  let roster: readonly Master[] = masters(wanted)
  const nameOf = (id: number) => roster.find(each => each.id === id)?.name ?? ''
  const code = createCodeInSync({
    masters: () => roster,
    stateOf: id => states.get(nameOf(id)) ?? 'up',
    runtime,
    log: { info() {} },
    events
  })
  return {
    runtime,
    states,
    note: code.note,
    texts: () => events.recent().map(({ text }) => text),
    change(next: Parameters<typeof masters>[0]) {
      roster = masters(next)
    },
    /** A master was seen now to serve a version. */
    see(name: string, version: string | null) {
      const { id } = roster.find(each => each.name === name) as Master
      code.note({ masterId: id, environment: 'production', version, askedAtMs: runtime.now() })
    },
    production: () => code.status().find(({ environment }) => environment === 'production')
  }
}

/** `a` has had the new code for a minute, and `b` still the old. */
async function differing(wanted?: Parameters<typeof masters>[0]) {
  const scene = setUp(wanted)
  scene.see('a', 'v1')
  scene.see('b', 'v1')
  await scene.runtime.advance(60_000)
  scene.see('a', 'v2')
  await scene.runtime.advance(60_000)
  scene.see('b', 'v1')
  return scene
}

t.test('when masters begin and cease to differ, that is told once', async t => {
  const { see, production, texts, runtime } = await differing()
  t.match(production(), { versions: 2, differsSince: new Date(runtime.wallClock() - 60_000).toISOString() })
  see('b', 'v1')
  await runtime.advance(1)
  see('b', 'v2')
  t.match(production(), { versions: 1, differsSince: null })
  t.same(texts(), [
    'masters serve different code of the environment production: v2 on a; v1 on b',
    'masters no longer serve different code of the environment production: v2 on a, b'
  ])
})

t.test('they differ from the first difference on, whichever of them lags behind', async t => {
  const { see, production, runtime } = await differing()
  const since = production()?.differsSince
  await runtime.advance(60_000)
  see('a', 'v3')
  see('b', 'v2')
  await runtime.advance(60_000)
  see('b', 'v2')
  t.match(production(), { versions: 2, differsSince: since })
})

t.test('masters that serve nobody are left out', async t => {
  for (const state of ['down', 'silent', 'unknown'] as const) {
    const { states, production } = await differing()
    states.set('b', state)
    t.match(production(), { versions: 1, differsSince: null, masters: [{ name: 'a' }] }, state)
  }
  for (const b of [{ mode: 'maint' }, { mode: 'draining' }, { weight: 0 }] as const) {
    const { change, production } = await differing()
    change({ a: 1, b })
    t.match(production(), { versions: 1, differsSince: null, masters: [{ name: 'a' }] }, JSON.stringify(b))
  }
  const { change, production } = await differing()
  change({ a: 1 })
  t.equal(production()?.versions, 1, 'or have left')
})

t.test('pools may have code of their own', async t => {
  const apart = await differing({ a: { pools: ['one'] }, b: { pools: ['two'] } })
  t.match(apart.production(), { versions: 1, differsSince: null, masters: [{ name: 'a' }, { name: 'b' }] })
  const joined = await differing({ a: { pools: ['one'] }, b: { pools: ['two', 'one'] } })
  t.match(joined.production(), { versions: 2 })
})

t.test('what is told of a master that has left is dropped', async t => {
  const { see, note, change, production } = setUp()
  see('a', 'v1')
  change({})
  t.equal(production(), undefined)
  note({ masterId: 0, environment: 'production', version: 'v1', askedAtMs: 0 })
  change({ a: 1 })
  t.equal(production(), undefined)
})
