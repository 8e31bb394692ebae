import t from 'tap'
import { mayTryNext } from '../../src/data/http/retry.ts'

const catalog = { sent: true, answered: false, repeatable: true, bodyKept: true, repeats: 0 }

t.test('what was never sent goes to the next master, whatever it is', async t => {
  t.ok(mayTryNext({ ...catalog, sent: false, repeatable: false, bodyKept: false, repeats: 9 }))
})
t.test('what is repeatable is sent once more, and only once', async t => {
  t.ok(mayTryNext(catalog))
  t.notOk(mayTryNext({ ...catalog, repeats: 1 }))
})
t.test('a report is not sent twice', async t => {
  t.notOk(mayTryNext({ ...catalog, repeatable: false }))
})
t.test('an answer that has begun cannot be begun again', async t => {
  t.notOk(mayTryNext({ ...catalog, answered: true }))
})
t.test('a body that is no longer in hand cannot be sent again', async t => {
  t.notOk(mayTryNext({ ...catalog, bodyKept: false }))
})
