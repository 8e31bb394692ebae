import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createEventLog } from '../../src/control/event-log.ts'
import { noOverlay, withWord } from '../../src/control/overlay.ts'
import { createOverlayFile } from '../../src/control/overlay-file.ts'
import { captureLog } from '../support/log-lines.ts'
import { fakeRuntime } from '../support/runtime.ts'

function setUp() {
  const { log, lines } = captureLog()
  const events = createEventLog(fakeRuntime().wallClock)
  return {
    file: createOverlayFile({ log, events }),
    told: () => lines.map(({ level, msg }) => `${level}: ${msg}`),
    events: () => events.recent().map(({ kind, text }) => `${kind}: ${text}`)
  }
}

const said = withWord(noOverlay, ['a'], { mode: 'maint' })
const fileIn = (directory: string) => join(directory, 'overlay.json')

t.test('without a directory nothing is read, kept or complained of', async t => {
  const { file, told } = setUp()
  t.equal((await file.read(undefined)).size, 0)
  await file.keep(undefined, said)
  t.equal(file.problem(), undefined)
  t.same(told(), [])
})

t.test('a directory that is not there is made, for its owner alone', async t => {
  const directory = join(t.testdir({}), 'var', 'state')
  const { file, told } = setUp()
  t.equal((await file.read(directory)).size, 0)
  t.equal(statSync(directory).mode & 0o777, 0o700)
  t.notOk(existsSync(fileIn(directory)), 'with nothing said there is nothing to keep')
  await file.keep(directory, said)
  t.same([...(await setUp().file.read(directory))], [...said])
  t.same(told(), [])
})

t.test('what has not changed is not written again', async t => {
  const directory = t.testdir({})
  const { file } = setUp()
  await file.keep(directory, said)
  writeFileSync(fileIn(directory), 'touched')
  await file.keep(directory, said)
  t.equal(readFileSync(fileIn(directory), 'utf8'), 'touched')
  await file.keep(directory, withWord(said, ['b'], { weight: 1 }))
  t.match(JSON.parse(readFileSync(fileIn(directory), 'utf8')), { masters: { a: {}, b: { weight: 1 } } })
})

t.test('a damaged file is put aside, for whoever can mend it, and no other is moved', async t => {
  const directory = t.testdir({ 'overlay.json': '{"version":1,' })
  const { file } = setUp()
  t.equal((await file.read(directory)).size, 0)
  await file.keep(directory, said)
  t.equal(readFileSync(`${fileIn(directory)}.damaged`, 'utf8'), '{"version":1,')
  t.same([...(await setUp().file.read(directory))], [...said])
  const unreadable = t.testdir({ 'overlay.json': {} })
  await setUp().file.read(unreadable)
  t.ok(existsSync(fileIn(unreadable)))
})

t.test('another directory has it as well, once a reload names it', async t => {
  const [one, two] = [join(t.testdir({}), 'one'), join(t.testdirName, 'two')]
  const { file } = setUp()
  await file.keep(one, said)
  await file.keep(two, said)
  t.same([...(await setUp().file.read(two))], [...said])
})

t.test('what cannot be kept is told once, and again when it is another fault', async t => {
  const directory = join(t.testdir({ state: 'no directory' }), 'state')
  const { file, told, events } = setUp()
  await file.read(directory)
  await file.keep(directory, said)
  await file.keep(directory, withWord(said, ['b'], { weight: 1 }))
  const sentence = `what operators said of masters cannot be kept in ${directory} (EEXIST), so it is forgotten at the next restart`
  t.equal(file.problem(), sentence)
  t.same(told()[0], `warn: ${sentence}`)
  t.equal(told().filter(each => each.includes('cannot be kept')).length, 1)
  t.ok(events().includes(`state: ${sentence}`))
  rmSync(directory)
  await file.keep(directory, withWord(said, ['b'], { weight: 1 }))
  t.equal(file.problem(), undefined, 'and it is over when it can be')
})

t.test('one that is mended is found so by the next change, were it the same', async t => {
  const directory = join(t.testdir({ state: 'no directory' }), 'state')
  const { file } = setUp()
  const overlay = await file.read(directory)
  t.not(file.problem(), undefined)
  rmSync(directory)
  await file.keep(directory, overlay)
  t.equal(file.problem(), undefined)
})
