import t from 'tap'
import { createProgress } from '../../src/commands/progress.ts'
import { fakeRuntime } from '../support/runtime.ts'

function setUp(isInteractive: boolean) {
  const runtime = fakeRuntime()
  const printed: string[] = []
  const out = (text: string) => void printed.push(`out ${text}`)
  const err = (text: string) => void printed.push(`err ${text}`)
  return { runtime, printed, progress: createProgress({ out, err, isInteractive, runtime }) }
}

t.test('on a terminal one line is written over, and gone when something else is said', async t => {
  const { runtime, printed, progress } = setUp(true)
  progress.clear()
  progress.show('m1: 4 requests open')
  await runtime.advance(3_000)
  progress.show('m1: 2 requests open')
  progress.clear()
  progress.clear()
  t.same(printed, [
    'out \r\x1b[Km1: 4 requests open (0 s)',
    'out \r\x1b[Km1: 2 requests open (3 s)',
    'out \r\x1b[K'
  ])
})

t.test('elsewhere it is a line now and then, when it is news, on standard error', async t => {
  const { runtime, printed, progress } = setUp(false)
  for (const open of [4, 3, 2, 2, 2, 1]) {
    progress.show(`m1: ${open} open`)
    await runtime.advance(5_000)
  }
  progress.clear()
  t.same(printed, ['err m1: 2 open\n', 'err m1: 1 open\n'])
})
