import type { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { type Crafter, craftersOf, craftPem, manyEntries } from '../support/crafted-list.ts'
import { startCrlScene } from './support/crl-scene.ts'

const ENTRIES = 200_000
const path = '/puppet/v3/node/agent1'
const pki = await createTestPki()
const [root, signer] = craftersOf(pki.authority) as [Crafter, Crafter]
const [gone, here] = await Promise.all(['gone', 'here'].map(certname => pki.authority.issue({ certname })))
const ofRoot = craftPem({ by: root })

/** Counts what happens while the thread lives that reads a new list: `during` says so of the last one. */
function watchReadings(t: Test, count: () => number) {
  let during = 0
  const onThread = (thread: Worker) => {
    const before = count()
    thread.once('message', ({ type }) => {
      if (type === 'lists') during = count() - before
    })
  }
  process.on('worker', onThread)
  t.teardown(() => process.off('worker', onThread))
  return () => during
}

t.test('agents are served while a list of 200,000 entries is read, and then it counts', async t => {
  // The thread that serves is the main thread here.
  const { app, replace, log } = await startCrlScene(t, craftPem({ by: signer, number: 1n }) + ofRoot, { pki })
  const statusOf = async (identity: typeof gone) =>
    (await connectAgent(t, pki, app.port, identity).ask({ path })).status
  t.equal(await statusOf(gone), 200, 'it is not revoked yet')
  const entries = [...manyEntries(ENTRIES - 1), { serial: BigInt(`0x${gone?.serial}`) }]
  const file = craftPem({ by: signer, number: 2n, entries }) + ofRoot

  const agent = connectAgent(t, pki, app.port, here)
  let answered = 0
  const during = watchReadings(t, () => answered)
  let isInForce = false
  void log.line({ msg: 'certificate revocation list is read again' }).then(() => {
    isInForce = true
  })
  await replace(file)
  while (!isInForce) {
    t.equal((await agent.ask({ path })).status, 200)
    answered++
  }
  t.ok(during() > 0, `${during()} requests were answered while it was read`)
  t.equal(await statusOf(gone), 403)
  t.equal(await statusOf(here), 200)
  t.equal(app.status().crl?.entries, ENTRIES)

  const anew = await startCrlScene(t, file, { pki })
  const atStart = async (identity: typeof gone) =>
    (await connectAgent(t, pki, anew.app.port, identity).ask({ path })).status
  t.same([await atStart(gone), await atStart(here)], [403, 200], 'and so it does from a start on')
  t.equal(anew.app.status().crl?.entries, ENTRIES)
})
