import t from 'tap'
import { createChangeQueue } from '../../src/control/change-queue.ts'

t.test('changes are made one after the other, in the order they were asked for', async t => {
  const { run } = createChangeQueue()
  const done: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = run(async () => {
    done.push('first begins')
    await gate.promise
    done.push('first ends')
    return 1
  })
  const second = run(async () => {
    done.push('second')
    return 2
  })
  const third = run(async () => void done.push('third'))
  gate.resolve()
  t.same(await Promise.all([first, second, third]), [1, 2, undefined])
  t.same(done, ['first begins', 'first ends', 'second', 'third'])
})

t.test('one that fails is told to who asked for it, and keeps nobody from his turn', async t => {
  const { run } = createChangeQueue()
  const failed = run(async () => {
    throw new Error('no')
  })
  const next = run(async () => 'yes')
  await t.rejects(failed, { message: 'no' })
  t.equal(await next, 'yes')
})
