import t from 'tap'
import { startWaitingAdmin } from '../../src/admin/waiting.ts'

t.test('while a process waits, it is alive, not ready, and says for what', async t => {
  let what = 'one thing'
  const admin = await startWaitingAdmin({ host: '127.0.0.1', port: 0 }, () => what)
  t.teardown(admin.close)
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${admin.port}${path}`)
    return [answer.status, await answer.text()]
  }
  t.same(await ask('/healthz'), [200, 'ok\n'])
  t.same(await ask('/readyz'), [503, 'one thing\n'])
  what = 'another'
  t.same(await ask('/api/status'), [503, 'another\n'])
  const second = await startWaitingAdmin({ host: '127.0.0.1', port: admin.port ?? 0 }, () => '')
  t.equal(second.port, undefined, 'an address that is taken is left to who has it')
  await second.close()
})
