import { once } from 'node:events'
import { type AddressInfo, createServer, Socket } from 'node:net'
import t from 'tap'
import { dial } from '../../src/upstream/dial.ts'
import { startBlackHole } from '../support/black-hole.ts'
import { fakeRuntime } from '../support/runtime.ts'

type Test = { teardown: (task: () => unknown) => void }

/** Where somebody listens. On the same port of any other address nobody does. */
async function startListener(t: Test, host: string, port = 0): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => void sockets.add(socket.on('error', () => {})))
  server.listen(port, host)
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

/** Dials, and tells what came of it. */
function dialled(t: Test, addresses: readonly string[], port: number) {
  const runtime = fakeRuntime()
  const { promise, resolve } = Promise.withResolvers<Error | string>()
  let isOver = false
  const cancel = dial({ addresses, port, schedule: runtime.schedule }, (error, socket) => {
    isOver = true
    if (socket) t.teardown(() => socket.destroy())
    resolve(error ?? (socket as Socket).remoteAddress ?? '')
  })
  t.teardown(cancel)
  return { runtime, result: promise, cancel, isOver: () => isOver }
}

t.test('an address that refuses costs no time: the next is tried at once', async t => {
  const port = await startListener(t, '127.0.0.2')
  t.equal(await dialled(t, ['127.0.0.3', '127.0.0.4', '127.0.0.2'], port).result, '127.0.0.2')
})

t.test('beside an address that is silent the next is tried after a quarter of a second', async t => {
  const port = await startBlackHole(t, '127.0.0.3')
  await startListener(t, '127.0.0.2', port)
  const { runtime, result, isOver } = dialled(t, ['127.0.0.3', '127.0.0.2'], port)
  await runtime.advance(249)
  t.notOk(isOver(), 'no sooner, since the first may be far away')
  await runtime.advance(1)
  t.equal(await result, '127.0.0.2')
})

t.test('an address that is silent is not given up: it may only be far away', async t => {
  const port = await startBlackHole(t, '127.0.0.3')
  const { runtime, isOver } = dialled(t, ['127.0.0.3', '127.0.0.2'], port)
  await runtime.advance(60_000)
  t.notOk(isOver(), 'though the other one refused')
})

const FAR_MS = 300
for (const [what, addresses, dueMs] of [
  ['alone', ['192.0.2.1'], FAR_MS],
  ['before one that leads nowhere', ['192.0.2.1', '2001:db8::1'], FAR_MS],
  ['behind one that leads nowhere', ['2001:db8::1', '192.0.2.1'], 250 + FAR_MS],
  ['behind two that lead nowhere', ['2001:db8::1', '2001:db8::2', '192.0.2.1'], 500 + FAR_MS]
] as const) {
  t.test(`an address that is far away, ${what}, is reached`, async t => {
    const runtime = fakeRuntime()
    const given: string[] = []
    let reached: Socket | undefined
    /** The far address takes its time, and of the others nothing is ever heard. */
    const connect = ({ host }: { readonly host: string }) => {
      const socket = new Socket()
      socket.on('close', () => given.push(host))
      if (host === '192.0.2.1') runtime.schedule(FAR_MS, () => socket.emit('connect'))
      return socket
    }
    const cancel = dial({ addresses, port: 8140, schedule: runtime.schedule, connect }, (_error, socket) => {
      reached = socket as Socket
    })
    t.teardown(() => {
      cancel()
      reached?.destroy()
    })
    await runtime.advance(dueMs - 1)
    t.equal(reached, undefined)
    await runtime.advance(1)
    t.ok(reached)
    await new Promise(setImmediate)
    t.same(
      given,
      addresses.filter(address => address !== '192.0.2.1'),
      'the others are given up'
    )
  })
}

t.test('when all fail, what tells most about the master is told', async t => {
  const port = await startListener(t, '127.0.0.2')
  // Nobody may connect to a broadcast address, which shows at once and is a fault of this machine.
  const { result } = dialled(t, ['255.255.255.255', '127.0.0.3'], port)
  const error = await result
  t.match(error, { code: 'ECONNREFUSED' })
  t.equal((error as AggregateError).errors.length, 2)
  t.match(await dialled(t, ['127.0.0.3'], port).result, { code: 'ECONNREFUSED', syscall: 'connect' })
})

t.test('whoever gives up hears nothing more', async t => {
  const port = await startListener(t, '127.0.0.2')
  const { cancel, runtime, isOver } = dialled(t, ['127.0.0.2'], port)
  cancel()
  const { result } = dialled(t, ['127.0.0.2'], port)
  await result
  await runtime.advance(1_000)
  t.notOk(isOver())
})
