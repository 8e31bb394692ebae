import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readLists } from '../../src/config/revocation-lists.ts'
import type { ListReader } from '../../src/control/revocation/reader.ts'
import { createRevocationWatch } from '../../src/control/revocation/watch.ts'
import type { RevokedSet } from '../../src/model/messages.ts'
import type { WhenExpired } from '../../src/model/settings.ts'
import { authoritiesOf } from '../../src/pki/authorities.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { captureLog } from '../support/log-lines.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { createStarvation } from '../support/starvation.ts'

const authority = await createAuthority()
const stranger = await createAuthority()
const HOUR = 3_600_000
const MINUTE = 60_000

const listOf = (...revoked: string[]) => authority.crl({ revoked })
const unusable = 'certificate revocation list is unusable; the last one stays in force'
/** Upper-case hexadecimal, in order. */
const serials = (revoked: RevokedSet) =>
  revoked.flatMap(({ rows, width }) =>
    Array.from({ length: rows.length / width }, (_, row) =>
      BigInt(`0x${Buffer.from(rows.subarray(row * width, (row + 1) * width)).toString('hex')}`)
        .toString(16)
        .toUpperCase()
    )
  )

/** Without a thread, which would take most of the time. */
const readHere: ListReader = async ({ file, caBundle, nowMs, knownDigest }) => {
  const read = readLists(file, authoritiesOf(caBundle), nowMs)
  return read.digest === knownDigest ? undefined : read
}

/** A watch over a file, with a fake clock; `scheduled` resolves when it begins to wait for the next reading. */
async function scene(t: Test, crl: string | Buffer, refreshMs = HOUR, expired: WhenExpired = 'keep') {
  const file = join(t.testdir({ 'crl.pem': String(crl) }), 'crl.pem')
  const clock = fakeRuntime({ wallClockMs: Date.now() })
  const log = captureLog()
  const published: RevokedSet[] = []
  const events: string[] = []
  const refusals: string[] = []
  const delays: number[] = []
  let pending = 0
  let readings = 0
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
    events: { add: event => events.push(event.text) },
    publish: revoked => published.push(revoked),
    readFile(task) {
      readings++
      return readHere(task)
    },
    openStream: () => t.fail('nothing is fetched') as never,
    from: () => t.fail('nobody is asked') as never
  })
  t.teardown(() => watch.stop())
  watch.onRefusal(reason => refusals.push(reason))
  const tls = { ca: authority.bundle, crl: { file, refreshMs, expired, place: 'test.yaml:3:9' } }
  watch.adopt(await watch.prepare(tls))
  return {
    ...{ watch, file, tls, log, published, delays, events, refusals },
    /** How often the file was read to its end. */
    readings: () => readings,
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
    replace(text: string | Buffer) {
      writeFileSync(`${file}.new`, text)
      renameSync(`${file}.new`, file)
    }
  }
}

/** Lets a reading begin, and leaves the clock to whoever moves it. */
const begun = () => new Promise<void>(resolve => setImmediate(resolve))

t.test('the first list is in force at once, and nobody is told twice', async t => {
  const { watch, published } = await scene(t, await listOf('0A'))
  t.same(serials(watch.revoked()), ['A'])
  t.same(published, [], 'whoever adopts publishes')
})

t.test('a changed file is read after the time it is refreshed in, and published once', async t => {
  const { watch, read, replace, published } = await scene(t, await listOf('0A'))
  await read()
  t.equal(published.length, 0, 'the same file is no news')
  replace(await listOf('0A', '0B'))
  await read()
  await read()
  t.same(published.map(serials), [['A', 'B']])
  t.same(serials(watch.revoked()), ['A', 'B'])
})

t.test('that a list names more certificates, or fewer, is an event, and that it stays is none', async t => {
  const { read, replace, events } = await scene(t, await listOf('0A'))
  const told = () => events.splice(0).map(text => text.replace(/list of .* names/, 'list names'))
  replace(await listOf('0A', '0B', '0C'))
  await read()
  t.same(told(), ['the revocation list names 3 certificates in place of 1'])
  replace(await listOf('0A', '0B', '0D'))
  await read()
  t.same(told(), [])
  replace(await listOf('0D'))
  await read()
  t.same(told(), ['the revocation list names 1 certificate in place of 3'])
})

const bad: Readonly<Record<string, string>> = {
  'an empty file': '',
  'half a list': (await listOf()).slice(0, 300),
  'a list of another CA': await stranger.crl(),
  'a file that lacks the list of one CA': (await listOf()).split(/(?<=END X509 CRL-----\n)/)[0] as string
}

for (const [what, text] of Object.entries(bad)) {
  t.test(`${what} leaves the last list in force, is logged, and is no end`, async t => {
    const { watch, read, replace, published, log } = await scene(t, await listOf('0A'))
    replace(text)
    await read()
    t.same(serials(watch.revoked()), ['A'])
    t.same(published, [])
    t.match(await log.line({ msg: unusable }), { cause: /^(holds|lacks) / })
    replace(await listOf('0B'))
    await read()
    t.same(published.map(serials), [['B']])
  })

  t.test(`${what} cannot be prepared for, and changes nothing`, async t => {
    const { watch, replace, tls, file } = await scene(t, await listOf('0A'))
    replace(text)
    await t.rejects(watch.prepare(tls), {
      message: new RegExp(`^test\\.yaml:3:9 tls\\.crl\\.file: names ${file}, which (holds|lacks) `)
    })
    t.same(serials(watch.revoked()), ['A'])
  })
}

t.test('a file that meets a process without descriptors is read again a second later', async t => {
  const { read, replace, published, delays, log } = await scene(t, await listOf('0A'))
  const starvation = createStarvation(t)
  replace(await listOf('0B'))
  await starvation.begin()
  await read()
  await read(1_000)
  await starvation.end()
  t.same(published, [])
  t.equal(log.lines.filter(({ msg }) => msg === unusable).length, 1, 'told once')
  t.same(delays.slice(-2), [1_000, 1_000])
  await read(1_000)
  t.same(published.map(serials), [['B']])
  t.equal(delays.at(-1), HOUR)
})

t.test('a file that is not there cannot be prepared for', async t => {
  const { watch, file, tls } = await scene(t, await listOf('0A'))
  rmSync(file)
  await t.rejects(watch.prepare(tls), {
    message: /cannot be read, there is no file; must be a file this user can read$/
  })
})

t.test('what is prepared is in force when it is adopted, and not before', async t => {
  const { watch, replace, tls, published } = await scene(t, await listOf('0A'))
  replace(await listOf('0A', '0C'))
  const prepared = await watch.prepare(tls)
  t.same(serials(watch.revoked()), ['A'])
  t.equal(prepared.inForce?.lists[0]?.entries, 2)
  watch.adopt(prepared)
  t.same(serials(watch.revoked()), ['A', 'C'])
  t.same(published, [])
})

t.test('a new file is watched in place of the old one', async t => {
  const { watch, read, replace, tls, file, published } = await scene(t, await listOf('0A'))
  const other = `${file}.other`
  writeFileSync(other, await listOf('0B'))
  watch.adopt(await watch.prepare({ ...tls, crl: { ...tls.crl, file: other } }))
  replace(await listOf('0C'))
  await read()
  t.same(published, [])
  writeFileSync(other, await listOf('0D'))
  await read()
  t.same(published.map(serials), [['D']])
})

t.test('a new time between readings applies from now on, and the same one does not begin anew', async t => {
  const { watch, read, replace, tls, delays, timers, published } = await scene(t, await listOf('0A'))
  watch.adopt(await watch.prepare(tls))
  t.same(delays, [HOUR], 'the wait goes on')
  watch.adopt(await watch.prepare({ ...tls, crl: { ...tls.crl, refreshMs: MINUTE } }))
  t.same(delays, [HOUR, MINUTE])
  t.equal(timers(), 1)
  replace(await listOf('0B'))
  await read(MINUTE)
  t.same(published.map(serials), [['B']])
  t.same(delays, [HOUR, MINUTE, MINUTE])
})

t.test('reloads while a file is being read leave one timer, with the new time', async t => {
  const { watch, read, tls, delays, timers } = await scene(t, await listOf('0A'), HOUR)
  const one = await watch.prepare({ ...tls, crl: { ...tls.crl, refreshMs: MINUTE } })
  const two = await watch.prepare({ ...tls, crl: { ...tls.crl, refreshMs: 2 * MINUTE } })
  const reading = read()
  await begun()
  t.equal(timers(), 0, 'it is being read')
  watch.adopt(one)
  watch.adopt(two)
  await reading
  t.equal(timers(), 1)
  t.equal(delays.at(-1), 2 * MINUTE)
})

t.test('what is read of a file that is given up meanwhile comes to nothing', async t => {
  const { watch, read, replace, tls, file, published } = await scene(t, await listOf('0A'))
  const other = `${file}.other`
  writeFileSync(other, await listOf('0C'))
  const prepared = await watch.prepare({ ...tls, crl: { ...tls.crl, file: other } })
  replace(await listOf('0B'))
  const reading = read()
  await begun()
  watch.adopt(prepared)
  await reading
  t.same(published, [])
  t.same(serials(watch.revoked()), ['C'])
})

t.test('a reading that overtakes a reload is not undone by it', async t => {
  const { watch, read, replace, tls } = await scene(t, await listOf('0A'))
  const prepared = await watch.prepare(tls)
  replace(await listOf('0A', '0B'))
  await read()
  watch.adopt(prepared)
  t.same(serials(watch.revoked()), ['A', 'B'])
})

t.test('without a list nobody is revoked, and nothing waits', async t => {
  const { watch, tls, timers } = await scene(t, await listOf('0A'))
  watch.adopt(await watch.prepare({ ...tls, crl: undefined }))
  t.equal(watch.current(), undefined)
  t.equal(timers(), 0)
  watch.adopt(await watch.prepare(tls))
  t.same(serials(watch.revoked()), ['A'])
  t.equal(timers(), 1)
})

t.test('a CA that leaves the bundle takes its list with it, and a new one brings its own', async t => {
  const { watch, tls, file, replace } = await scene(t, await listOf('0A'))
  const next = { ca: stranger.bundle, crl: tls.crl }
  await t.rejects(watch.prepare(next), { message: /which no CA of tls\.ca signed/ })
  replace(await stranger.crl({ revoked: ['0E'] }))
  watch.adopt(await watch.prepare(next))
  t.same(serials(watch.revoked()), ['E'], file)
})

t.test('after stop nothing waits, and a reading under way comes to nothing', async t => {
  const { watch, replace, read, timers, advance, published } = await scene(t, await listOf('0A'))
  replace(await listOf('0B'))
  void read()
  await begun()
  watch.stop()
  t.equal(timers(), 0)
  await advance(10 * HOUR)
  t.same(published, [])
  t.equal(timers(), 0)
})

t.test('a refused file that nobody has touched is not read again, and one that was is', async t => {
  const { read, replace, readings, refusals, published } = await scene(t, await listOf('0A'))
  replace('no list at all')
  // The first reading comes an hour of the fake clock after the change: its stamp is settled.
  await read()
  const after = readings()
  await read()
  await read()
  t.equal(readings(), after)
  t.equal(refusals.length, 1, 'told once')
  replace(await listOf('0A', '0B'))
  await read()
  t.equal(readings(), after + 1)
  t.same(published.map(serials), [['A', 'B']])
})

t.test('a list from the future is read again untouched, because time mends it', async t => {
  const { read, replace, readings } = await scene(t, await listOf('0A'))
  replace(await authority.crl({ revoked: ['0A', '0B'], thisUpdate: new Date(Date.now() + 365 * 24 * HOUR) }))
  await read()
  const after = readings()
  await read()
  t.equal(readings(), after + 1)
})
