import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { createBodyRoom } from '../../src/data/http/body-room.ts'
import type { Delivery } from '../../src/data/http/delivery.ts'
import { createIntake, HAND_BYTES, LARGEST_BYTES } from '../../src/data/http/intake.ts'
import type { Queueing } from '../../src/data/http/queueing.ts'
import { createBodyMemory } from '../../src/shared/body-memory.ts'
import { fakeRuntime } from '../support/runtime.ts'

/** Memory for two of the largest bodies. */
const memoryBytes = 2 * LARGEST_BYTES
const queueing: Queueing = { ask() {}, reconsider() {}, leave() {} }

/** Bodies that come one after the other to a worker of one balancer. */
function setUp() {
  const runtime = fakeRuntime()
  const memory = createBodyMemory({ workers: 1, schedule: runtime.schedule })
  const onDefect = (defect: unknown) => {
    throw defect
  }
  const bodyRoom = createBodyRoom({ memory: memory.join(0), now: runtime.now, onDefect })

  /** Brings a body as far as it may be in hand. */
  async function bring(bytes: number, { isAnnounced = true } = {}) {
    const headers = isAnnounced ? { 'content-length': String(bytes) } : { 'transfer-encoding': 'chunked' }
    const request = Object.assign(new PassThrough(), { headers, complete: true })
    const exchange = { request: request as unknown as IncomingMessage, bytesIn: 0 }
    const slot = { isNeeded: true, memoryBytes }
    const inHand = Promise.withResolvers<void>()
    const intake = createIntake(
      { exchange, slot } as unknown as Delivery,
      { bodyRoom, ...runtime },
      queueing,
      { inHand: inHand.resolve, tooSlow() {}, fail: onDefect }
    )
    intake.begin()
    request.end(Buffer.alloc(bytes, 'facts'))
    await inHand.promise
    return {
      end: intake.end,
      /** Whether it can be given again once a master has had it. */
      async isKept() {
        await intake.body.open().toArray()
        return intake.body.isKept
      }
    }
  }
  return { bring, memory }
}

for (const [what, bytes, isKept] of [
  ['as large as facts are', 100_000, true],
  ['as large as those of a large machine', 3 * HAND_BYTES, true],
  ['of the largest that is kept', LARGEST_BYTES, true],
  ['of one byte more', LARGEST_BYTES + 1, false]
] as const) {
  t.test(`a body ${what} is ${isKept ? '' : 'not '}kept`, async t => {
    const { bring, memory } = setUp()
    const body = await bring(bytes)
    t.equal(await body.isKept(), isKept)
    t.ok(memory.bytes() <= bytes, 'and takes no more than it is long')
    body.end()
    t.equal(memory.bytes(), 0)
  })
}

t.test('a large body that does not say how long it is is not kept', async t => {
  const { bring } = setUp()
  const body = await bring(2 * HAND_BYTES, { isAnnounced: false })
  t.notOk(await body.isKept())
})

t.test('large bodies leave half of the memory to others', async t => {
  const { bring, memory } = setUp()
  const first = await bring(LARGEST_BYTES)
  const second = await bring(2 * HAND_BYTES)
  t.equal(memory.bytes(), LARGEST_BYTES + HAND_BYTES, 'of the second its first mebibyte is in hand')
  t.notOk(await second.isKept())
  t.ok(await first.isKept())
  const third = await bring(HAND_BYTES)
  t.ok(await third.isKept())
  first.end()
  t.ok(await (await bring(2 * HAND_BYTES)).isKept(), 'there is room again')
})
