import t from 'tap'
import { deliveryScene, type Question, type UnderWay } from './delivery-scene.ts'

/** A defect of ours that shows while a request waits ends that request with one answer, and nothing else. */

type Scene = Awaited<ReturnType<typeof deliveryScene>>
/** An agent that would not come back, with a request that may be repeated. */
const stays: Question = { comesBack: () => false }
const idle = [0, 0]

/** Does its work until it is told to break. */
function breakable<Args extends readonly unknown[], Result>(work: (...args: Args) => Result) {
  let isBroken = false
  return {
    work(...args: Args): Result {
      if (isBroken) throw new Error('broken')
      return work(...args)
    },
    break() {
      isBroken = true
    }
  }
}

const breaks = () => {
  throw new Error('broken')
}

/** Both JRubies are taken; one request waits, and another one behind it. */
async function waitingScene(question: Question) {
  const scene = await deliveryScene()
  for (const id of ['1', '2']) scene.send(id, stays)
  const { answer, hangUp } = scene.send('broken', { ...stays, ...question })
  const behind = scene.send('behind', stays)
  return { ...scene, answer, hangUp, behind }
}

/** Of the request that waits behind: it is served when its turn comes, and after that nothing is left of anybody. */
async function isServed({ upstreams, runtime, board, taken, table }: Scene, { answer, exchange }: UnderWay) {
  for (const upstream of upstreams) {
    upstream.last().connect()
    upstream.last().head(200)
    upstream.last().end()
  }
  await runtime.advance(1)
  const asked = upstreams.find(({ host }) => host === exchange.master)?.last()
  asked?.connect()
  asked?.head(200)
  asked?.end()
  return { answer, board: board(), taken: taken(), depth: table.depth() }
}

const served = { answer: { status: 200, heads: 1 }, board: idle, taken: idle, depth: 0 }
const failed = { status: 500, heads: 1, isCut: false }

t.test('in who may have it by now, when a snapshot comes', async t => {
  const eligible = breakable((): undefined => undefined)
  const scene = await deliveryScene()
  const first: NonNullable<Question['eligible']> = tried =>
    tried.length === 0 ? { pinned: undefined, candidates: scene.pool, mask } : undefined
  const mask = new Int32Array(8).fill(3, 0, 1)
  let asked = 0
  for (const id of ['1', '2']) scene.send(id, stays)
  const { answer } = scene.send('broken', {
    ...stays,
    eligible: tried => (asked++ === 0 ? first(tried) : eligible.work())
  })
  const behind = scene.send('behind', stays)
  eligible.break()
  scene.serveOnly(scene.pool)
  t.match(answer, failed)
  t.same(scene.defects, ['broken'])
  t.equal(scene.table.depth(), 1, 'whoever waits behind goes on waiting')
  scene.serveOnly(scene.pool)
  t.match(await isServed(scene, behind), served)
  t.match(
    scene.entries.filter(({ id }) => id === 'broken'),
    [{ end: 'internal', status: 500 }]
  )
})

t.test('in how long it may wait, when the last master goes', async t => {
  const patience = breakable(() => ({ awayMs: 1_000, longestMs: 600_000 }))
  const { behind, answer, ...scene } = await waitingScene({ patience: patience.work })
  patience.break()
  scene.serveOnly([])
  t.match(answer, failed)
  t.same([scene.defects, scene.table.depth()], [['broken'], 1])
  scene.serveOnly(scene.pool)
  t.match(await isServed(scene, behind), served)
})

t.test('in how long it may wait, when it takes its place', async t => {
  const { behind, answer, ...scene } = await waitingScene({ patience: breaks })
  t.match(answer, failed)
  t.same([scene.defects, scene.table.depth()], [['broken'], 1])
  t.match(await isServed(scene, behind), served)
})

t.test('in who may have it, when the pause after an attempt is over', async t => {
  const scene = await deliveryScene()
  const eligible = breakable((tried: readonly number[]) => {
    const candidates = scene.pool.filter(({ id }) => !tried.includes(id))
    if (candidates.length === 0) return undefined
    return { pinned: undefined, candidates, mask: new Int32Array(8).fill(3, 0, 1) }
  })
  for (const upstream of scene.upstreams) upstream.refuse()
  const { answer } = scene.send('broken', { ...stays, eligible: eligible.work })
  t.equal(answer.status, undefined, 'it waits for a master to come back')
  eligible.break()
  await scene.runtime.advance(1_000)
  t.match(answer, failed)
  t.same([scene.defects, scene.table.depth(), scene.taken(), scene.board()], [['broken'], 0, idle, idle])
})

t.test('in the budget of repeats, when the pause after an attempt is over', async t => {
  const take = breakable(() => true)
  const scene = await deliveryScene({ budgetOf: () => ({ take: take.work, earn() {} }) })
  const { answer } = scene.send('broken', stays)
  for (const upstream of scene.upstreams) {
    upstream.last().connect()
    upstream.last().head(503, { 'retry-after': '600' })
  }
  t.equal(answer.status, undefined, 'it waits for the masters')
  take.break()
  await scene.runtime.advance(10_000)
  t.match(answer, failed)
  t.same([scene.defects, scene.table.depth(), scene.taken(), scene.board()], [['broken'], 0, idle, idle])
})

t.test('in whether the CA may be asked, and whoever else waits for it goes on', async t => {
  const scene = await deliveryScene()
  const [ca] = scene.pool
  const forCa: Question = { ...stays, rule: 'ca', nobody: 'ca-unavailable', slot: null, repeatable: false }
  let isUp = false
  const eligible = breakable((tried: readonly number[]) =>
    isUp && tried.length === 0 ? { pinned: ca, candidates: [], mask: new Int32Array(8) } : undefined
  )
  const { answer } = scene.send('broken', { ...forCa, eligible: eligible.work })
  const other = scene.send('other', {
    ...forCa,
    eligible: tried =>
      isUp && tried.length === 0 ? { pinned: ca, candidates: [], mask: new Int32Array(8) } : undefined
  })
  eligible.break()
  isUp = true
  scene.serveOnly(scene.pool)
  t.match(answer, failed)
  t.same(scene.defects, ['broken'])
  t.equal(other.exchange.attempts, 1)
})

t.test('in the books on its wait, when its agent leaves', async t => {
  const { behind, answer, hangUp, ...scene } = await waitingScene({})
  const observe = scene.metrics.queueDuration.observe.bind(scene.metrics.queueDuration)
  scene.metrics.queueDuration.observe = breaks
  hangUp()
  scene.metrics.queueDuration.observe = observe
  t.match(answer, { status: undefined, heads: 0, isCut: true })
  t.same([scene.defects, scene.table.depth()], [['broken'], 1], 'its place is free')
  t.match(await isServed(scene, behind), served)
})

t.test('in the books on its wait, on top of another one', async t => {
  const eligible = breakable((tried: readonly number[]) =>
    tried.length === 0
      ? { pinned: undefined, candidates: [], mask: new Int32Array(8).fill(3, 0, 1) }
      : undefined
  )
  const { behind, answer, ...scene } = await waitingScene({ eligible: eligible.work })
  const observe = scene.metrics.queueDuration.observe.bind(scene.metrics.queueDuration)
  scene.metrics.queueDuration.observe = breaks
  eligible.break()
  scene.serveOnly(scene.pool)
  scene.metrics.queueDuration.observe = observe
  t.match(answer, failed)
  t.match(await isServed(scene, behind), served)
})

t.test('in taking its body, when there is room for that', async t => {
  const scene = await deliveryScene()
  const withBody = (id: string) =>
    scene.send(id, {
      ...stays,
      complete: false,
      headers: { 'content-length': '1000' },
      slot: { memoryBytes: 1_000 }
    })
  const first = withBody('first')
  const { answer, exchange } = withBody('broken')
  const behind = withBody('behind')
  const { request } = exchange
  const on = request.on.bind(request)
  request.on = () => {
    request.on = on
    return breaks()
  }
  first.hangUp()
  await scene.runtime.advance(1)
  t.match(answer, failed)
  t.same(scene.defects, ['broken'])
  await scene.runtime.advance(1)
  t.equal(behind.exchange.request.listenerCount('data'), 1, 'the next one is read')
})

t.test('in giving back what it held, on top of another one', async t => {
  const end = breakable(() => {})
  const scene = await deliveryScene({ end: end.work })
  const { answer } = scene.send('broken', { broken: ['writeHead'] })
  scene.upstreams[0].last().connect()
  end.break()
  scene.upstreams[0].last().head(200)
  t.match(answer, failed)
  t.same([scene.defects, scene.taken()], [['several defects'], idle])
})

t.test('in the answer that tells of another one: the connection is cut', async t => {
  const scene = await deliveryScene()
  const { answer } = scene.send('broken', { broken: ['writeHead', 'writeHead'] })
  scene.upstreams[0].last().connect()
  scene.upstreams[0].last().head(200)
  t.match(answer, { status: undefined, heads: 0, isCut: true })
  t.same(scene.defects, ['writeHead is broken', 'writeHead is broken'])
  t.same([scene.board(), scene.taken()], [idle, idle])
})

t.test(
  'in the books on a wait for the CA, when its agent leaves: nothing is asked for it any more',
  async t => {
    const scene = await deliveryScene()
    const [ca] = scene.pool
    let isUp = false
    const { answer, hangUp, exchange } = scene.send('broken', {
      ...stays,
      rule: 'ca',
      nobody: 'ca-unavailable',
      slot: null,
      eligible: tried =>
        isUp && tried.length === 0 ? { pinned: ca, candidates: [], mask: new Int32Array(8) } : undefined
    })
    scene.metrics.queueDuration.observe = breaks
    hangUp()
    isUp = true
    scene.serveOnly(scene.pool)
    t.match(answer, { status: undefined, heads: 0, isCut: true })
    t.same([scene.defects, exchange.attempts], [['broken'], 0])
  }
)
