import { rm } from 'node:fs/promises'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { startCrlScene } from './support/crl-scene.ts'

const path = '/puppet/v3/node/agent1'
const pki = await createTestPki()
const gone = await pki.authority.issue({ certname: 'gone' })
const good = await pki.authority.crl({ revoked: [gone.serial] })
const stranger = await createTestPki()

const unusable: Readonly<Record<string, string>> = {
  'an empty file': '',
  'no list in it': pki.authority.bundle,
  'half a list': good.slice(0, good.length / 3),
  'a whole list and half of the next': rootFirst().slice(0, -100),
  'rubbish between the lines': good.replace(/\n[^-]{20}/, '\n%%%%'),
  'a list of another CA': await stranger.authority.crl(),
  'one good list and one of another CA': good + (await stranger.authority.crl())
}

for (const [what, text] of Object.entries(unusable)) {
  t.test(`${what}: later, the old list stays in force and the log says so`, async t => {
    const { app, replace, log } = await startCrlScene(t, good, { pki })
    await replace(text)
    await log.line({ msg: 'certificate revocation list is unusable; the last one stays in force' })
    t.equal((await connectAgent(t, pki, app.port, gone).ask({ path })).status, 403)
    t.equal((await connectAgent(t, pki, app.port).ask({ path })).status, 200)
    await replace(await pki.authority.crl())
    await log.line({ msg: 'certificate revocation list is read again' })
    t.equal((await connectAgent(t, pki, app.port, gone).ask({ path })).status, 200, 'a good one counts again')
  })

  t.test(`${what}: at the start, nothing is served`, async t => {
    await t.rejects(startCrlScene(t, text, { pki }))
  })
}

t.test('a list that is missing later does not free those it named', async t => {
  const { app, replace, log } = await startCrlScene(t, good, { pki })
  const [, ofRoot = ''] = good.split(/(?<=END X509 CRL-----\n)/)
  await replace(ofRoot)
  await log.line({ msg: 'certificate revocation list is unusable; the last one stays in force' })
  t.equal((await connectAgent(t, pki, app.port, gone).ask({ path })).status, 403)
})

t.test('a file that vanishes leaves its list in force', async t => {
  const { app, file, log } = await startCrlScene(t, good, { pki })
  await rm(file)
  await log.line({ msg: 'certificate revocation list is unusable; the last one stays in force' })
  t.equal((await connectAgent(t, pki, app.port, gone).ask({ path })).status, 403)
})

/** The list that names the agent comes last, as in files that Puppet did not write. */
function rootFirst(): string {
  return good
    .split(/(?<=END X509 CRL-----\n)/)
    .toReversed()
    .join('')
}
