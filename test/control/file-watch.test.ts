import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  unwatchFile,
  utimesSync,
  watchFile,
  writeFileSync
} from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createFileWatch } from '../../src/control/file-watch.ts'
import { fakeRuntime } from '../support/runtime.ts'

const LOOK_MS = 5
const SETTLE_MS = 300

/** A watch over real files that looks at them often; the clock it waits by before it tells stands still. */
function setUp(t: Test, files: Readonly<Record<string, string>> = { a: 'a', b: 'b' }) {
  const directory = t.testdir(files)
  const runtime = fakeRuntime()
  const scene = { seen: 0, told: 0 }
  const watch = createFileWatch(
    () => scene.told++,
    {
      schedule(delayMs, task) {
        scene.seen++
        return runtime.schedule(delayMs, task)
      }
    },
    { lookMs: LOOK_MS, settleMs: SETTLE_MS }
  )
  t.teardown(() => watch.stop())
  const path = (name: string) => join(directory, name)
  return {
    ...{ watch, scene, runtime, path },
    append: (name: string) => appendFileSync(path(name), 'x'),
    /**
     * Changes something again and again until the system tells of a file, to whoever watches it: the first look may
     * come later than the first change. Resolves once nothing is left to be told.
     */
    async until(name: string, change: () => void) {
      let known: Stats | undefined
      const hear = (now: Stats) => {
        known = now
      }
      watchFile(path(name), { interval: LOOK_MS }, hear)
      while (!known) {
        change()
        await stat(directory)
      }
      while (!isSame(known, statSync(path(name), { throwIfNoEntry: false }))) await stat(directory)
      unwatchFile(path(name), hear)
    }
  }
}

function isSame(known: Stats, file: Stats | undefined): boolean {
  if (!file) return known.nlink === 0
  return known.ino === file.ino && known.ctimeMs === file.ctimeMs && known.size === file.size
}

t.test('a file that is written in place is told, some time after the last change', async t => {
  const { watch, scene, runtime, path, append, until } = setUp(t)
  watch.set([path('a')])
  await until('a', () => append('a'))
  await runtime.advance(SETTLE_MS - 1)
  t.equal(scene.told, 0)
  await until('a', () => append('a'))
  await runtime.advance(SETTLE_MS - 1)
  t.equal(scene.told, 0, 'it is not written to its end')
  await runtime.advance(1)
  t.equal(scene.told, 1)
})

t.test('a file that another one is moved over is told, alike as they look', async t => {
  const { watch, path, until } = setUp(t)
  watch.set([path('a')])
  const { atime, mtime, size } = statSync(path('a'))
  await until('a', () => {
    writeFileSync(path('new'), 'b')
    utimesSync(path('new'), atime, mtime)
    renameSync(path('new'), path('a'))
  })
  t.match(statSync(path('a')), { size, mtime })
})

t.test('a file behind a directory that is swapped by a symlink is told, as Kubernetes does it', async t => {
  const { watch, scene, runtime, path, until } = setUp(t, {})
  let version = 0
  const swap = () => {
    version++
    mkdirSync(path(`..${version}`))
    writeFileSync(path(`..${version}/tls.crt`), 'x')
    symlinkSync(`..${version}`, path('..data_tmp'))
    renameSync(path('..data_tmp'), path('..data'))
    rmSync(path(`..${version - 1}`), { recursive: true, force: true })
  }
  swap()
  symlinkSync('..data/tls.crt', path('tls.crt'))
  watch.set([path('tls.crt')])
  await until('tls.crt', swap)
  await runtime.advance(SETTLE_MS)
  t.equal(scene.told, 1)
})

t.test('a file that disappears is told, and told again when it is back', async t => {
  const { watch, scene, runtime, path, append, until } = setUp(t)
  watch.set([path('a')])
  await until('a', () => append('a'))
  await until('a', () => rmSync(path('a'), { force: true }))
  await runtime.advance(SETTLE_MS)
  t.equal(scene.told, 1)
  await until('a', () => append('a'))
  await runtime.advance(SETTLE_MS)
  t.equal(scene.told, 2)
})

t.test('one that is not there is no change, and told once it is', async t => {
  const { watch, scene, path, append, until } = setUp(t)
  watch.set([path('missing')])
  await until('missing', () => {})
  t.equal(scene.seen, 0)
  await until('missing', () => append('missing'))
  t.not(scene.seen, 0)
})

t.test('several files that change together are told once', async t => {
  const { watch, scene, runtime, path, append, until } = setUp(t)
  watch.set([path('a'), path('b')])
  await until('a', () => append('a'))
  await until('b', () => append('b'))
  await runtime.advance(60_000)
  t.equal(scene.told, 1)
})

t.test('a change is not missed when the same file is named again', async t => {
  const { watch, scene, path, append, until } = setUp(t)
  watch.set([path('a')])
  await until('a', () => append('a'))
  const { seen } = scene
  append('a')
  watch.set([path('b'), path('a')])
  await until('a', () => {})
  t.equal(scene.seen, seen + 1)
})

t.test('a file that is not named any more is let go, and one that is newly named is watched', async t => {
  const { watch, scene, path, append, until } = setUp(t)
  watch.set([path('a')])
  watch.set([path('b')])
  await until('a', () => append('a'))
  t.equal(scene.seen, 0)
  await until('b', () => append('b'))
  t.not(scene.seen, 0)
})

t.test(
  'once stopped it tells nothing more, neither what it has seen nor what it is to watch then',
  async t => {
    const { watch, scene, runtime, path, append, until } = setUp(t)
    watch.set([path('a')])
    await until('a', () => append('a'))
    const { seen } = scene
    watch.stop()
    watch.set([path('a')])
    await until('a', () => append('a'))
    await runtime.advance(60_000)
    t.match(scene, { seen, told: 0 })
  }
)
