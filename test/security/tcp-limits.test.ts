import t from 'tap'
import { scrape } from '../support/metrics.ts'
import { startTcpScene, type TcpAgent } from '../support/tcp-scene.ts'

/** Whether somebody is given back what he says, or nothing. */
const fateOf = ({ until }: TcpAgent) =>
  until('hello').then(
    () => 'let in',
    () => 'refused'
  )

t.test('connections of raw TCP count for the limits of all and of an address', async t => {
  const { enter, app, line } = await startTcpScene(t, {
    overrides: { listen: { limits: { connections: 3, perAddress: 2 } } }
  })
  const first = await enter()
  await first.until('hello')
  await (await enter()).until('hello')
  t.equal(await fateOf(await enter()), 'refused', 'one too many of its address')
  await (await enter('hello', '127.0.0.2')).until('hello')
  t.equal(await fateOf(await enter('hello', '127.0.0.3')), 'refused', 'one too many of all')
  const { value } = await scrape(app.adminPort)
  t.equal(value('puppet_lb_limit_refusals_total', { limit: 'perAddress' }), 1)
  t.equal(value('puppet_lb_limit_refusals_total', { limit: 'connections' }), 1)
  t.equal(value('puppet_lb_connections', { state: 'tcp' }), 3)
  t.equal(value('puppet_lb_connections', { state: 'handshake' }), 0)
  first.socket.destroy()
  await line({ msg: 'connection' })
  t.equal(await fateOf(await enter('hello', '127.0.0.3')), 'let in')
})

t.test('who says nothing makes room, and has no connection to a master', async t => {
  const { enter, raw } = await startTcpScene(t, { overrides: { listen: { limits: { connections: 2 } } } })
  const silent = [await enter(''), await enter('')]
  for (const _ of silent) t.equal(await fateOf(await enter()), 'let in')
  for (const each of silent) t.equal(await each.end, '')
  t.equal(
    raw.reduce((sum, { connections }) => sum + connections.length, 0),
    2
  )
})
