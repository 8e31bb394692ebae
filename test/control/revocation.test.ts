import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createRevocationWatch } from '../../src/control/revocation.ts'
import type { RevokedSet } from '../../src/model/messages.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { captureLog } from '../support/log-lines.ts'
import { fakeRuntime } from '../support/runtime.ts'

const authority = await createAuthority()
const stranger = await createAuthority()
const HOUR = 3_600_000
const MINUTE = 60_000

const listOf = (...revoked: string[]) => authority.crl({ revoked })
const unusable = 'certificate revocation list is unusable; the last one stays in force'
const serials = (revoked: RevokedSet | undefined) => [...(revoked ?? [])].map(key => key.split(':')[1])

/** A watch over a file, with a fake clock; `scheduled` resolves when it begins to wait for the next reading. */
function scene(t: Test, crl: string, refreshMs = HOUR) {
  const file = join(t.testdir({ 'crl.pem': crl }), 'crl.pem')
  const clock = fakeRuntime()
  const log = captureLog()
  const published: RevokedSet[] = []
  const delays: number[] = []
  let pending = 0
  let wake = () => {}
  const watch = createRevocationWatch({
    runtime: {
      ...clock,
      schedule(delayMs, task) {
        delays.push(delayMs)
        pending++
        let isOver = false
        const over = () => {
          if (!isOver) pending--
          isOver = true
        }
        const cancel = clock.schedule(delayMs, () => {
          over()
          task()
        })
        wake()
        return () => {
          over()
          cancel()
        }
      }
    },
    log: log.log,
    publish: revoked => published.push(revoked)
  })
  t.teardown(() => watch.stop())
  const tls = { ca: authority.bundle, crl: { file, refreshMs } }
  watch.adopt(watch.prepare(tls))
  return {
    ...{ watch, file, tls, log, published, delays },
    /** Timers that will fire. */
    timers: () => pending,
    advance: clock.advance,
    /** Lets the time until the next reading pass, and that reading end. */
    async read(afterMs = refreshMs) {
      const scheduled = new Promise<void>(resolve => {
        wake = resolve
      })
      await clock.advance(afterMs)
      await scheduled
    },
    replace(text: string) {
      writeFileSync(`${file}.new`, text)
      renameSync(`${file}.new`, file)
    }
  }
}

t.test('the first list is in force at once, and nobody is told twice', async t => {
  const { watch, published } = scene(t, await listOf('0A'))
  t.same(serials(watch.current()?.revoked), ['A'])
  t.same(published, [], 'whoever adopts publishes')
})

t.test('a changed file is read after the time it is refreshed in, and published once', async t => {
  const { watch, read, replace, published } = scene(t, await listOf('0A'))
  await read()
  t.equal(published.length, 0, 'the same file is no news')
  replace(await listOf('0A', '0B'))
  await read()
  await read()
  t.same(published.map(serials), [['A', 'B']])
  t.same(serials(watch.current()?.revoked), ['A', 'B'])
})

const bad: Readonly<Record<string, string>> = {
  'an empty file': '',
  'half a list': (await listOf()).slice(0, 300),
  'a list of another CA': await stranger.crl(),
  'a file that lacks the list of one CA': (await listOf()).split(/(?<=END X509 CRL-----\n)/)[0] as string
}

for (const [what, text] of Object.entries(bad)) {
  t.test(`${what} leaves the last list in force, is logged, and is no end`, async t => {
    const { watch, read, replace, published, log } = scene(t, await listOf('0A'))
    replace(text)
    await read()
    t.same(serials(watch.current()?.revoked), ['A'])
    t.same(published, [])
    t.match(await log.line({ msg: unusable }), { cause: /^(holds|lacks) / })
    replace(await listOf('0B'))
    await read()
    t.same(published.map(serials), [['B']])
  })

  t.test(`${what} cannot be prepared for, and changes nothing`, async t => {
    const { watch, replace, tls, file } = scene(t, await listOf('0A'))
    replace(text)
    t.throws(() => watch.prepare(tls), {
      message: new RegExp(`^tls\\.crl\\.file: ${file} cannot be used: (holds|lacks) `)
    })
    t.same(serials(watch.current()?.revoked), ['A'])
  })
}

t.test('a file that is not there cannot be prepared for', async t => {
  const { watch, file, tls } = scene(t, await listOf('0A'))
  rmSync(file)
  t.throws(() => watch.prepare(tls), { message: /ENOENT/ })
})

t.test('what is prepared is in force when it is adopted, and not before', async t => {
  const { watch, replace, tls, published } = scene(t, await listOf('0A'))
  replace(await listOf('0A', '0C'))
  const prepared = watch.prepare(tls)
  t.same(serials(watch.current()?.revoked), ['A'])
  t.equal(prepared.revocations?.entries, 2)
  watch.adopt(prepared)
  t.same(serials(watch.current()?.revoked), ['A', 'C'])
  t.same(published, [])
})

t.test('a new file is watched in place of the old one', async t => {
  const { watch, read, replace, tls, file, published } = scene(t, await listOf('0A'))
  const other = `${file}.other`
  writeFileSync(other, await listOf('0B'))
  watch.adopt(watch.prepare({ ...tls, crl: { ...tls.crl, file: other } }))
  replace(await listOf('0C'))
  await read()
  t.same(published, [])
  writeFileSync(other, await listOf('0D'))
  await read()
  t.same(published.map(serials), [['D']])
})

t.test('a new time between readings applies from now on, and the same one does not begin anew', async t => {
  const { watch, read, replace, tls, delays, timers, published } = scene(t, await listOf('0A'))
  watch.adopt(watch.prepare(tls))
  t.same(delays, [HOUR], 'the wait goes on')
  watch.adopt(watch.prepare({ ...tls, crl: { ...tls.crl, refreshMs: MINUTE } }))
  t.same(delays, [HOUR, MINUTE])
  t.equal(timers(), 1)
  replace(await listOf('0B'))
  await read(MINUTE)
  t.same(published.map(serials), [['B']])
  t.same(delays, [HOUR, MINUTE, MINUTE])
})

t.test('reloads while a file is being read leave one timer, with the new time', async t => {
  const { watch, read, tls, delays, timers, advance } = scene(t, await listOf('0A'), HOUR)
  const reading = read()
  await advance(0)
  t.equal(timers(), 0, 'it is being read')
  watch.adopt(watch.prepare({ ...tls, crl: { ...tls.crl, refreshMs: MINUTE } }))
  watch.adopt(watch.prepare({ ...tls, crl: { ...tls.crl, refreshMs: 2 * MINUTE } }))
  await reading
  t.equal(timers(), 1)
  t.equal(delays.at(-1), 2 * MINUTE)
})

t.test('what is read of a file that is given up meanwhile comes to nothing', async t => {
  const { watch, read, replace, tls, file, published, advance } = scene(t, await listOf('0A'))
  const other = `${file}.other`
  writeFileSync(other, await listOf('0C'))
  replace(await listOf('0B'))
  const reading = read()
  await advance(0)
  watch.adopt(watch.prepare({ ...tls, crl: { ...tls.crl, file: other } }))
  await reading
  t.same(published, [])
  t.same(serials(watch.current()?.revoked), ['C'])
})

t.test('a reading that overtakes a reload is not undone by it', async t => {
  const { watch, read, replace, tls } = scene(t, await listOf('0A'))
  const prepared = watch.prepare(tls)
  replace(await listOf('0A', '0B'))
  await read()
  watch.adopt(prepared)
  t.same(serials(watch.current()?.revoked), ['A', 'B'])
})

t.test('without a list nobody is revoked, and nothing waits', async t => {
  const { watch, tls, timers } = scene(t, await listOf('0A'))
  watch.adopt(watch.prepare({ ...tls, crl: undefined }))
  t.equal(watch.current(), undefined)
  t.equal(timers(), 0)
  watch.adopt(watch.prepare(tls))
  t.same(serials(watch.current()?.revoked), ['A'])
  t.equal(timers(), 1)
})

t.test('a CA that leaves the bundle takes its list with it, and a new one brings its own', async t => {
  const { watch, tls, file, replace } = scene(t, await listOf('0A'))
  const next = { ca: stranger.bundle, crl: tls.crl }
  t.throws(() => watch.prepare(next), { message: /which no CA of tls\.ca signed/ })
  replace(await stranger.crl({ revoked: ['0E'] }))
  watch.adopt(watch.prepare(next))
  t.same(serials(watch.current()?.revoked), ['E'], file)
})

t.test('after stop nothing waits, and a reading under way comes to nothing', async t => {
  const { watch, replace, read, timers, advance, published } = scene(t, await listOf('0A'))
  replace(await listOf('0B'))
  void read()
  await advance(0)
  watch.stop()
  t.equal(timers(), 0)
  await advance(10 * HOUR)
  t.same(published, [])
  t.equal(timers(), 0)
})
