import t from 'tap'
import { authoritiesOf } from '../../src/pki/authorities.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { type Crafter, craftersOf, craftPem } from '../support/crafted-list.ts'
import { fetchedLists, startListAuthority } from '../support/list-authority.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const [root, signer] = craftersOf(pki.authority) as [Crafter, Crafter]
const gone = await pki.authority.issue({ certname: 'gone' })
const [, issuer = ''] =
  /^CN=(.*)$/m.exec(authoritiesOf(pki.authority.bundle)[0]?.certificate.subject ?? '') ?? []
const inDays = (days: number) => new Date(Math.floor(Date.now() / 1000 + 86_400 * days) * 1000)
const ofRoot = craftPem({ by: root, number: 1n })
const listOf = (number: bigint, nextUpdate: Date, ...serials: bigint[]) =>
  craftPem({ by: signer, number, nextUpdate, entries: serials.map(serial => ({ serial })) }) + ofRoot

t.test(
  'a CA that serves its short list in place of the full one is told of, until it serves that',
  async t => {
    const ca = await startListAuthority(t, pki)
    const [shortEnd, fullEnd] = [inDays(5_000), inDays(1_800)]
    ca.give(listOf(0n, shortEnd))
    ca.endFullLists({ [issuer]: fullEnd })
    const master = await startScriptedMaster(t, (_request, response) => response.end('ok'), {
      tls: pki.server
    })
    const config = testConfig(
      pki,
      { ca: ca.url, masters: [{ name: 'm1', url: master.url }] },
      { tls: { crl: fetchedLists() } }
    )
    const log = captureLog()
    const app = await startBalancer(t, config, { log: log.log })
    const statusOf = async () =>
      (await connectAgent(t, pki, app.port, gone).ask({ path: '/puppet/v3/node/gone' })).status

    const told = await log.line({
      msg: 'certificate revocation list cannot be fetched; the last one stays in force'
    })
    t.match(told, { cause: /nodes \(enable-infra-crl\), which names no agents$/, remedy: /tls\.crl\.file/ })
    t.ok(
      (await scrape(app.adminPort)).value('puppet_lb_crl_fetch_failures_total', { cause: 'infrastructure' })
    )
    t.equal(await statusOf(), 200, 'there is no better list')

    ca.give(listOf(7n, fullEnd, BigInt(`0x${gone.serial}`)))
    await log.line({ msg: 'certificate revocation list can be fetched again' })
    t.equal(await statusOf(), 403)
  }
)
