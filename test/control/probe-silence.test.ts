import t from 'tap'
import { NoAnswer } from '../../src/control/master-watch/no-answer.ts'
import { type ProbeDeps, probe } from '../../src/control/master-watch/probe.ts'

const path = '/status/v1/simple'
const late = (isTaken: boolean, isConnected: boolean) =>
  new NoAnswer(new Error('timed out'), { isLate: true, isTaken, isConnected })
const noWord = late(true, false)
const busy = late(true, true)

/** A probe of a master that answers each question, in turn, like this. */
function ask(
  answers: readonly (NoAnswer | 'running')[],
  { isFresh = false, isTrusted = true, isSecure = true, hears = false } = {}
) {
  const asked: boolean[] = []
  let arrivals = 0
  const deps: ProbeDeps = {
    line: {
      async ask(_path, isFresh = false) {
        const answer = answers[asked.length] as NoAnswer | 'running'
        asked.push(isFresh)
        if (hears) arrivals++
        if (answer instanceof NoAnswer) throw answer
        return { status: 200, body: answer }
      }
    },
    path,
    isSecure,
    arrivals: () => arrivals,
    hint: async () => undefined
  }
  return probe({ isFresh, isTrusted }, deps).then(result => ({ result, asked }))
}

t.test('no word on a kept connection, and none on a new one, is silence', async t => {
  const { result, asked } = await ask([busy, noWord])
  t.match(result, { healthy: false, isSilent: true, isSlow: false, kind: 'handshake-timeout' })
  t.same(asked, [false, true])
})

t.test('one that was up is asked a second time before it is called silent', async t => {
  t.match(await ask([noWord, noWord], { isFresh: true }), { result: { isSilent: true }, asked: [true, true] })
  const { result } = await ask([noWord, 'running'], { isFresh: true })
  t.same(result, { healthy: true })
  t.match(await ask([noWord], { isFresh: true, isTrusted: false }), {
    result: { isSilent: true },
    asked: [true]
  })
})

t.test('one that shakes hands is busy, not silent', async t => {
  const kept = await ask([busy, busy])
  t.match(kept.result, { healthy: false, isSlow: true })
  t.notMatch(kept.result, { isSilent: true })
  const fresh = await ask([busy], { isFresh: true })
  t.notMatch(fresh.result, { isSilent: true })
  t.same(fresh.asked, [true], 'and is not asked twice')
})

t.test('over plain HTTP there are no hands to shake: no answer is silence', async t => {
  const { result } = await ask([busy, busy], { isSecure: false })
  t.match(result, { isSilent: true })
})

t.test('one of which anything comes on another connection is not silent', async t => {
  for (const isSecure of [true, false]) {
    const { result, asked } = await ask([noWord], { isFresh: true, isSecure, hears: true })
    t.notMatch(result, { isSilent: true })
    t.equal(asked.length, 1)
  }
})

t.test('what is refused is answered', async t => {
  const refused = new NoAnswer(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), {
    isLate: false,
    isTaken: false,
    isConnected: false
  })
  const { result } = await ask([busy, refused])
  t.match(result, { kind: 'refused' })
  t.notMatch(result, { isSilent: true })
})
