import t from 'tap'
import { createLookups } from '../../../src/control/sources/lookups.ts'
import type { Answer, Question } from '../../../src/control/sources/question.ts'
import { fakeRuntime } from '../../support/runtime.ts'
import { at, records } from './scene.ts'

const question = (name: string, rest: Partial<Question> = {}): Question => ({
  kind: 'host',
  name,
  servers: [],
  refreshMs: 30_000,
  ...rest
})
const a = question('a')
const b = question('b')

/** Lookups whose answers the test says: at once, or when it ends one that is held. */
function setUp() {
  const runtime = fakeRuntime()
  const answers = new Map<string, Answer | string>()
  const held = new Map<string, PromiseWithResolvers<Answer>>()
  const asked: string[] = []
  const lasts: (readonly string[])[] = []
  const told: string[] = []
  let changes = 0
  const lookups = createLookups({
    async ask({ name }, last) {
      asked.push(name)
      lasts.push(last)
      const answer = answers.get(name)
      if (answer === undefined) {
        const silence = Promise.withResolvers<Answer>()
        held.set(name, silence)
        return silence.promise
      }
      if (typeof answer === 'string') throw Object.assign(new Error(answer), { code: answer })
      return answer
    },
    changed: () => void changes++,
    runtime,
    log: {
      info: (...line: unknown[]) => void told.push(String(line[1])),
      warn: (...line: unknown[]) => void told.push(String(line[1]))
    },
    events: { add: ({ text }) => void told.push(text) }
  })
  t.teardown(() => lookups.stop())
  return { runtime, answers, held, asked, lasts, told, lookups, changes: () => changes }
}

t.test('a name is asked for at once, and again after its time', async t => {
  const { lookups, answers, asked, runtime, changes } = setUp()
  answers.set('a', at('192.0.2.1'))
  lookups.want([a])
  await lookups.settled(1_000)
  t.same(lookups.known(a), { answer: at('192.0.2.1'), cause: undefined, isTried: true })
  t.equal(changes(), 1)
  await runtime.advance(29_999)
  t.same(asked, ['a'])
  await runtime.advance(1)
  t.same(asked, ['a', 'a'])
  t.equal(changes(), 1, 'the same answer changes nothing')
})

t.test('the same answer in another order is the same answer', async t => {
  const { lookups, answers, runtime, changes } = setUp()
  const srv = question('srv', { kind: 'srv' })
  answers.set('a', at('192.0.2.1', '192.0.2.2')).set('srv', records([0, 1, 'x'], [0, 2, 'y']))
  lookups.want([a, srv])
  await lookups.settled(1_000)
  const before = lookups.known(a).answer
  answers.set('a', at('192.0.2.2', '192.0.2.1')).set('srv', records([0, 2, 'y'], [0, 1, 'x']))
  await runtime.advance(30_000)
  t.equal(changes(), 2)
  t.equal(lookups.known(a).answer, before)
  answers.set('srv', records([0, 2, 'y'], [0, 3, 'x']))
  await runtime.advance(30_000)
  t.equal(changes(), 3, 'another weight is another answer')
})

for (const failure of ['ESERVFAIL', 'ENOTFOUND', 'ETIMEOUT', 'ENODATA', 'EAI_AGAIN', 'EMFILE']) {
  t.test(`${failure} leaves the last good answer, is counted each time and told once`, async t => {
    const { lookups, answers, lasts, told, runtime, changes } = setUp()
    answers.set('a', at('192.0.2.1'))
    lookups.want([a])
    await lookups.settled(1_000)
    answers.set('a', failure)
    await runtime.advance(90_000)
    t.match(lookups.known(a), { answer: at('192.0.2.1'), cause: failure })
    t.same(lookups.failures(), [{ name: 'a', count: 3 }])
    t.same(told, [
      'a name cannot be looked up; what is known of it stays in force',
      `a cannot be looked up: ${failure}; what is known of it stays in force`
    ])
    t.same(lasts.at(-1), ['192.0.2.1'])
    t.equal(changes(), 1)
    answers.set('a', at('192.0.2.1'))
    await runtime.advance(30_000)
    t.match(lookups.known(a), { cause: undefined })
    t.same(told.slice(2), ['a name can be looked up again', 'a can be looked up again'])
    t.same(lookups.unknown(), [])
  })
}

t.test('a name of which nothing is known is asked for every five seconds, and named', async t => {
  const { lookups, answers, asked, runtime } = setUp()
  answers.set('a', 'ETIMEOUT')
  lookups.want([a])
  t.same(lookups.unknown(), [{ name: 'a', cause: 'was not answered yet' }])
  await lookups.settled(1_000)
  t.same(lookups.unknown(), [{ name: 'a', cause: 'ETIMEOUT' }])
  await runtime.advance(5_000)
  t.equal(asked.length, 2)
})

t.test('a lookup that is under way is not made a second time', async t => {
  const { lookups, held, asked, runtime } = setUp()
  lookups.want([a])
  lookups.again()
  lookups.want([a])
  await runtime.advance(600_000)
  t.same(asked, ['a'])
  held.get('a')?.resolve(at('192.0.2.1'))
  await lookups.settled(1_000)
  t.same(lookups.known(a).answer, at('192.0.2.1'))
})

t.test('nobody is waited for longer than a while, nor at all when it failed before', async t => {
  const { lookups, answers, held, runtime } = setUp()
  answers.set('b', at('192.0.2.2'))
  lookups.want([a, b])
  let isSettled = false
  const settled = lookups.settled(10_000).then(() => {
    isSettled = true
  })
  await runtime.advance(9_999)
  t.notOk(isSettled)
  await runtime.advance(1)
  await settled
  t.same(lookups.known(b).answer, at('192.0.2.2'), 'whoever answers has not waited for the other')
  held.get('a')?.reject(Object.assign(new Error('silence'), { code: 'EAI_AGAIN' }))
  await runtime.advance(0)
  lookups.again()
  await lookups.settled(10_000)
})

t.test('what is wanted no more is forgotten, and asked no more', async t => {
  const { lookups, answers, asked, runtime } = setUp()
  answers.set('a', at('192.0.2.1')).set('b', 'ENOTFOUND')
  lookups.want([a, b])
  await lookups.settled(1_000)
  lookups.want([a])
  t.same(lookups.known(b), { answer: undefined, cause: undefined, isTried: false })
  t.same(lookups.failures(), [{ name: 'a', count: 0 }])
  await runtime.advance(29_000)
  t.same(asked, ['a', 'b'])
})

t.test('whoever waits for a name that is wanted no more waits no longer', async t => {
  const { lookups, answers } = setUp()
  answers.set('b', at('192.0.2.2'))
  lookups.want([a, b])
  const settled = lookups.settled(10_000)
  lookups.want([b])
  await settled
  t.match(lookups.known(b), { answer: at('192.0.2.2') })
})

t.test(
  'other name servers are asked at once, and the answer of those before stays until they answer',
  async t => {
    const { lookups, answers, asked, runtime } = setUp()
    answers.set('a', at('192.0.2.1'))
    lookups.want([a])
    await lookups.settled(1_000)
    answers.set('a', 'ETIMEOUT')
    lookups.want([question('a', { servers: ['10.0.0.53'] })])
    await runtime.advance(0)
    t.same(asked, ['a', 'a'])
    t.match(lookups.known(a), { answer: at('192.0.2.1'), cause: 'ETIMEOUT' })
  }
)
