import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createFullListWatch, LOOK_AGAIN_MS } from '../../src/control/revocation/full-list-watch.ts'
import type { InForce } from '../../src/control/revocation/in-force.ts'
import { ON_ITS_WAY_MS } from '../../src/pki/full-list.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { fakeRuntime } from '../support/runtime.ts'

const pki = await createTestPki()
const { upstream } = testConfig(pki, { masters: [] }).settings
const end = Date.UTC(2031, 0, 1)
const other = Date.UTC(2041, 0, 1)
/** The same text is the same list. */
const inForce = (nextUpdateMs: number, file?: string, digest = `${nextUpdateMs}`) =>
  ({ order: { file }, lists: [{ issuer: 'CN=Puppet CA', digest, nextUpdateMs }] }) as unknown as InForce

/** A CA whose full list ends at `end`, and a fake clock; `look` tells how often it was asked. */
async function setUp(t: Test, status = 200) {
  let asked = 0
  const server = createServer((_request, response) => {
    asked++
    response.writeHead(status).end(JSON.stringify({ crls: { 'Puppet CA': '2031-01-01T00:00:00UTC' } }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const runtime = fakeRuntime()
  const watch = createFullListWatch(runtime)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    runtime,
    isShort: watch.isShort,
    async look(current: InForce) {
      const before = asked
      await watch.look({ url, addresses: ['127.0.0.1'] }, { upstream, runtime }, () => current)
      return asked - before
    }
  }
}

t.test('a CA whose full list is in force is asked again after its time, or for another list', async t => {
  const { look, isShort, runtime } = await setUp(t)
  t.equal(await look(inForce(end)), 0, 'somebody waits for the first round')
  t.equal(await look(inForce(end)), 1)
  t.equal(await look(inForce(end)), 0)
  t.equal(await look(inForce(end, undefined, 'next')), 1)
  await runtime.advance(LOOK_AGAIN_MS)
  t.equal(await look(inForce(end, undefined, 'next')), 1)
  t.equal(isShort(), false)
})

t.test('another list is short when it is still the one in force the next time', async t => {
  const { look, isShort } = await setUp(t)
  await look(inForce(other))
  await look(inForce(other))
  t.equal(isShort(), false, 'a revocation may have come between two questions')
  await look(inForce(other, undefined, 'changed'))
  t.equal(isShort(), false)
  t.equal(await look(inForce(other, undefined, 'changed')), 1)
  t.equal(isShort(), true)
  t.equal(await look(inForce(other, undefined, 'changed')), 0)
  await look(inForce(end))
  t.equal(isShort(), false)
})

t.test('a list that somebody ships has time to come', async t => {
  const { look, isShort, runtime } = await setUp(t)
  for (let round = 0; round < 3; round++) await look(inForce(other, '/f'))
  t.equal(isShort(), false)
  await runtime.advance(ON_ITS_WAY_MS)
  await look(inForce(other, '/f'))
  t.equal(isShort(), true)
})

t.test('a CA that does not say when its full lists end is believed', async t => {
  const { look, isShort } = await setUp(t, 403)
  for (let round = 0; round < 4; round++) await look(inForce(other))
  t.equal(isShort(), false)
})
