import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Agent, request } from 'undici'
import { startScene } from './scene.ts'

type Test = { teardown: (task: () => unknown) => void }

/** A folder whose name is short enough: the path of a socket may have 107 bytes. */
function directory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'plb-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  return path
}

/** Asks through the socket. */
async function ask(t: Test, path: string, target: string, method: 'GET' | 'POST' = 'GET') {
  const dispatcher = new Agent({ connect: { socketPath: path } })
  t.teardown(() => dispatcher.destroy())
  const { statusCode, body } = await request(`http://evil.example${target}`, { method, dispatcher })
  return { status: statusCode, text: await body.text() }
}

/** A socket file whose process was killed. */
async function leaveBehind(path: string): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  await once(spawn(process.execPath, ['-e', script]), 'exit')
}

t.test('the socket is for its owner alone, from the first moment on', async t => {
  const socket = join(directory(t), 'admin.sock')
  const before = process.umask(0)
  t.teardown(() => process.umask(before))
  await startScene(t, { admin: { socket } })
  t.equal(statSync(socket).mode & 0o777, 0o600)
  t.equal(process.umask(0), 0, 'and the mask of the process is as it was')
})

t.test(
  'whoever reaches the socket may do everything, under any Host and without header or token',
  async t => {
    const socket = join(directory(t), 'admin.sock')
    const admin = { socket, host: '0.0.0.0', token: 'secret', metricsToken: true }
    const { reloads } = await startScene(t, { admin })
    t.match(await ask(t, socket, '/api/status'), { status: 200 })
    t.match(await ask(t, socket, '/metrics'), { status: 200 })
    t.match(await ask(t, socket, '/nothing'), { status: 404 })
    t.match(await ask(t, socket, '/api/reload', 'POST'), { status: 200 })
    t.equal(reloads(), 1)
  }
)

t.test('the file is gone after the end', async t => {
  const socket = join(directory(t), 'admin.sock')
  const { close } = await startScene(t, { admin: { socket } })
  await close()
  t.notOk(existsSync(socket))
})

t.test('what a dead process left is replaced', async t => {
  const socket = join(directory(t), 'admin.sock')
  await leaveBehind(socket)
  t.ok(existsSync(socket))
  await startScene(t, { admin: { socket } })
  t.match(await ask(t, socket, '/healthz'), { status: 200 })
  t.equal(statSync(socket).mode & 0o777, 0o600)
})

t.test('the socket of a living process is left alone, and this one does not start', async t => {
  const socket = join(directory(t), 'admin.sock')
  const other = createServer().listen(socket)
  t.teardown(() => other.close())
  await once(other, 'listening')
  await t.rejects(startScene(t, { admin: { socket } }), {
    message: `admin.socket ${socket} is in use by another process`
  })
  t.ok(existsSync(socket))
})

t.test('a file that is no socket is left alone', async t => {
  const socket = join(directory(t), 'admin.sock')
  writeFileSync(socket, 'precious')
  await t.rejects(startScene(t, { admin: { socket } }), {
    message: `admin.socket ${socket} is there already and is no socket`
  })
  t.ok(existsSync(socket))
})

t.test('a socket that cannot be made is named', async t => {
  const socket = join(directory(t), 'nowhere', 'admin.sock')
  await t.rejects(startScene(t, { admin: { socket } }), {
    message: /^admin\.socket .*admin\.sock cannot be made: E/
  })
})

t.test('when the port cannot be had, no socket stays behind', async t => {
  const socket = join(directory(t), 'admin.sock')
  const { port } = await startScene(t)
  await t.rejects(startScene(t, { admin: { socket, port } }), { code: 'EADDRINUSE' })
  t.notOk(existsSync(socket))
})

t.test('a path that no socket can have is refused, not cut', async t => {
  const socket = join(directory(t), 'x'.repeat(108))
  await t.rejects(startScene(t, { admin: { socket } }), { message: /is longer than the 107 bytes/ })
})
