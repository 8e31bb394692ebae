import t from 'tap'
import { deliveryScene } from './delivery-scene.ts'

const idle = [0, 0]

for (const [where, broken] of [
  ['at the head of an answer', 'writeHead'],
  ['within an answer', 'write'],
  ['at the end of an answer', 'end']
] as const)
  t.test(`a defect ${where} ends in an answer of our own or a cut, and frees slot and board`, async t => {
    const { runtime, upstreams, send, board, taken, entries, defects } = await deliveryScene()
    const { answer } = send('a', { broken: [broken] })
    const next = [send('b'), send('c')]
    const request = upstreams[0].last()
    request.connect()
    request.head(200)
    request.data('x')
    request.end()
    await runtime.advance(1)
    t.same(defects, [`${broken} is broken`])
    if (broken === 'writeHead') t.match(answer, { status: 500, isCut: false })
    else t.match(answer, { status: 200, isCut: true })
    t.match(entries, [{ id: 'a', end: 'internal' }])
    t.same(
      [board(), taken()],
      [
        [1, 1],
        [1, 1]
      ],
      'whoever waited has it now'
    )
    t.equal(next[1]?.exchange.attempts, 1)
  })

t.test('a defect after an attempt failed ends in an answer of our own', async t => {
  const { upstreams, send, board, taken, defects } = await deliveryScene({
    report() {
      throw new Error('report is broken')
    }
  })
  const { answer } = send('a')
  upstreams[0].last().fail('ECONNREFUSED')
  t.equal(answer.status, 500)
  t.same([board(), taken(), defects], [idle, idle, ['report is broken']])
})

t.test('a defect before the request is sent ends in an answer of our own', async t => {
  const upstreamOf = () => {
    throw new Error('pools are broken')
  }
  for (const slot of [{}, null]) {
    const { send, board, taken, defects, entries } = await deliveryScene({ upstreamOf })
    const { answer } = send('a', { slot })
    t.equal(answer.status, 500)
    t.same([board(), taken(), defects], [idle, idle, ['pools are broken']])
    t.match(entries, [{ end: 'internal' }])
  }
})

t.test('a defect when one gets its slot ends in an answer of our own, waited or not', async t => {
  const chosen = () => {
    throw new Error('pins are broken')
  }
  const { runtime, upstreams, send, board, taken, table, defects } = await deliveryScene()
  const atOnce = send('a', { slot: { chosen } })
  t.equal(atOnce.answer.status, 500)
  t.same([board(), taken()], [idle, idle])
  for (const id of ['1', '2']) send(id)
  const later = send('b', { slot: { chosen } })
  const next = send('c')
  upstreams[0].last().fail('UND_ERR_INVALID_ARG')
  await runtime.advance(1)
  t.equal(later.answer.status, 500)
  t.equal(next.exchange.attempts, 1)
  t.same([board(), taken(), table.depth()], [[1, 1], [1, 1], 0])
  t.same(defects, ['pins are broken', 'pins are broken'])
})

t.test('a defect in telling who may have it ends in an answer of our own', async t => {
  const { send, defects, table } = await deliveryScene()
  const { answer } = send('a', {
    eligible() {
      throw new Error('eligibility is broken')
    }
  })
  t.equal(answer.status, 500)
  t.same([defects, table.depth()], [['eligibility is broken'], 0])
})
