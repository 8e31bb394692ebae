import t from 'tap'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { startCrlScene } from './support/crl-scene.ts'

/** Ten times as many as a site has that joins several. */
const AUTHORITIES = 30
const path = '/puppet/v3/node/x'
const isEven = (index: number) => index % 2 === 0

t.test('of thirty CAs each is believed, and the list of each counts, at the start and later', async t => {
  const pki = await createTestPki()
  const others = await Promise.all(
    Array.from({ length: AUTHORITIES - 1 }, (_, index) =>
      createAuthority({ name: `puppet-${index}`, intermediate: false })
    )
  )
  const all = [pki.authority, ...others]
  const agents = await Promise.all(all.map(each => each.issue({ certname: 'agent.example.com' })))
  const lists = async (isRevoked: (index: number) => boolean) =>
    (
      await Promise.all(
        all.map((each, index) =>
          each.crl({ revoked: isRevoked(index) ? [agents[index]?.serial as string] : [] })
        )
      )
    ).join('')
  const { app, replace, log } = await startCrlScene(t, await lists(isEven), {
    pki,
    overrides: { tls: { ca: all.map(({ bundle }) => bundle).join('') } }
  })
  const statuses = () =>
    Promise.all(agents.map(async agent => (await connectAgent(t, pki, app.port, agent).ask({ path })).status))
  t.same(
    await statuses(),
    agents.map((_, index) => (isEven(index) ? 403 : 200))
  )
  await replace(await lists(() => true))
  await log.line({ msg: 'certificate revocation list is read again' })
  t.same(
    await statuses(),
    agents.map(() => 403)
  )
  t.equal(app.status().crl?.entries, AUTHORITIES)
})
