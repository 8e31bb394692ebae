import { execFileSync } from 'node:child_process'
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLineQueue } from '../../src/telemetry/line-queue.ts'
import type { LogTarget } from '../../src/telemetry/log-target.ts'
import { createLogWriter } from '../../src/telemetry/log-writer.ts'
import { fakeRuntime } from '../support/runtime.ts'

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/** A target over a real descriptor that says when it is closed. */
function targetOf(t: Test, fd: number) {
  let isOpen = true
  const close = () => {
    if (isOpen) closeSync(fd)
    isOpen = false
  }
  t.teardown(close)
  const target: LogTarget = { fd, mayWait: fstatSync(fd).isFile(), close }
  return { target, isOpen: () => isOpen }
}

function fileIn(t: Test) {
  const path = join(t.testdir({}), 'log')
  return { ...targetOf(t, openSync(path, 'a')), text: () => readFileSync(path, 'utf8') }
}

/** A pipe with a reader that reads when told to. */
function pipeIn(t: Test) {
  const path = join(t.testdir({}), 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, O_RDONLY | O_NONBLOCK)
  let isRead = true
  const hangUp = () => {
    if (isRead) closeSync(reader)
    isRead = false
  }
  t.teardown(hangUp)
  const read = () => {
    const buffer = Buffer.alloc(1024 * 1024)
    let text = ''
    try {
      for (let count = 1; count > 0; text += buffer.toString('latin1', 0, count))
        count = readSync(reader, buffer)
    } catch {
      // Nothing more is in it.
    }
    return text
  }
  return { ...targetOf(t, openSync(path, O_WRONLY | O_NONBLOCK)), read, hangUp }
}

function scene(first: LogTarget) {
  const queue = createLineQueue(4 * 1024 * 1024, () => 0)
  const clock = fakeRuntime()
  const faults: string[] = []
  let wake = () => {}
  const writer = createLogWriter(first, {
    queue,
    schedule: clock.schedule,
    onProgress: () => wake(),
    onFault: code => void faults.push(code)
  })
  /** Resolves once all is written; for a target that is written to beside this thread. */
  const idle = async () => {
    while (!writer.isIdle()) {
      await new Promise<void>(resolve => {
        wake = () => setImmediate(resolve)
      })
    }
  }
  return { queue, clock, faults, writer, idle }
}

const many = (letter: string) => `${letter.repeat(999)}\n`

t.test('all lines get into a file, in their order', async t => {
  const file = fileIn(t)
  const { queue, writer, idle } = scene(file.target)
  const lines = ['a', 'b', 'c'].flatMap(letter => Array.from({ length: 200 }, () => many(letter)))
  for (const line of lines) queue.add(line)
  writer.write()
  t.notOk(writer.isIdle())
  await idle()
  t.equal(file.text(), lines.join(''))
})

t.test('a full pipe is no fault: what is left goes when there is room', async t => {
  const pipe = pipeIn(t)
  const { queue, clock, faults, writer } = scene(pipe.target)
  const lines = Array.from({ length: 300 }, (_, at) => many(String.fromCharCode(97 + (at % 26))))
  for (const line of lines) queue.add(line)
  writer.write()
  t.notOk(writer.isIdle())
  let text = ''
  for (let round = 0; round < 50 && !writer.isIdle(); round++) {
    text += pipe.read()
    await clock.advance(128)
  }
  text += pipe.read()
  t.equal(text, lines.join(''))
  t.same(faults, [])
})

t.test(
  'a pipe without a reader is told once however often it is tried, and its lines wait for the next target',
  async t => {
    const pipe = pipeIn(t)
    const { queue, clock, faults, writer } = scene(pipe.target)
    pipe.hangUp()
    queue.add('lost?\n')
    writer.write()
    await clock.advance(60_000)
    t.same(faults, ['EPIPE'])
    const file = fileIn(t)
    writer.switchTo({ ...file.target, mayWait: false })
    t.equal(file.text(), 'lost?\n', 'it goes to the next target without waiting for its turn')
    t.notOk(pipe.isOpen())
  }
)

t.test('a line that is half in one target is not ended in another: it is lost and counted', async t => {
  const pipe = pipeIn(t)
  const { queue, writer } = scene(pipe.target)
  // A pipe holds 64 KiB: the first line and a part of the second.
  const lines = ['a', 'b', 'c'].map(letter => `${letter.repeat(40_000)}\n`)
  for (const line of lines) queue.add(line)
  writer.write()
  const file = fileIn(t)
  writer.switchTo({ ...file.target, mayWait: false })
  t.match(pipe.read(), /^a{40000}\nb+$/)
  t.equal(file.text(), lines[2])
  t.equal(queue.totalLost(), 1)
})

t.test('at the end what a target takes without waiting is written', async t => {
  const file = fileIn(t)
  const { queue, writer } = scene(file.target)
  queue.add('last\n')
  writer.writeLast()
  t.equal(file.text(), 'last\n')
})
