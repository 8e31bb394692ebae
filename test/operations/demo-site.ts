import type { Test } from 'tap'
import type { App } from '../../src/app.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { createTestPki, startBalancer, type TestPki, testConfig } from '../support/balancer.ts'
import { fastRuntime } from '../support/fast-runtime.ts'
import { fetchedLists } from '../support/list-authority.ts'
import { captureLog, type LogLines } from '../support/log-lines.ts'
import { toldNames } from '../support/told-names.ts'

const COMPILE_MS = 30
export const JRUBIES = 2
/** A second of everybody else. How much room is left for agents is known after five minutes. */
const FAST = 20
const SECOND_MS = 1_000 * FAST

/** Where the balancer in front is, whose connections begin with a header. */
export const IN_FRONT = '127.0.0.9'

type Masters = Readonly<Record<'ca' | 'm1' | 'm2' | 'm3' | 'reports' | 'raw', SimulatedMaster>>

/** A balancer with everything that has metrics: pools, raw TCP, one in front of it, lists and documents of the CA. */
export interface DemoSite extends Pick<LogLines, 'line'> {
  readonly pki: TestPki
  readonly masters: Masters
  readonly app: App
  /** As the CA gave it before the one that it gives now. */
  readonly olderList: string
}

/**
 * Starts it. Its clock is fast, so that the minutes by which it judges pools pass within the test. The only master of the
 * pool `lost` has a name that DNS does not know.
 */
export async function startDemoSite(t: Test): Promise<DemoSite> {
  const pki = await createTestPki()
  const olderList = await pki.authority.crl()
  const masters = await startMasters(t, pki)
  const { log, line } = captureLog()
  const options = { runtime: fastRuntime(FAST), log, dns: toldNames({}) }
  const app = await startBalancer(t, configOf(pki, masters), options)
  return { pki, masters, app, olderList, line }
}

async function startMasters(t: Test, pki: TestPki): Promise<Masters> {
  const tls = { cert: pki.server.chain, key: pki.server.key, clientCa: pki.authority.bundle }
  const start = async (name: string, more = {}) => {
    const master = await startSimulatedMaster({
      name,
      jrubies: JRUBIES,
      compileMs: () => COMPILE_MS,
      codeVersion: '4f1c2a9',
      ...more
    })
    t.teardown(master.close)
    return master
  }
  return {
    ca: await start('ca', { tls, ca: pki.authority }),
    m1: await start('m1'),
    m2: await start('m2'),
    m3: await start('m3'),
    reports: await start('reports'),
    raw: await start('raw', { tls })
  }
}

function configOf(pki: TestPki, { ca, m1, m2, m3, reports, raw }: Masters) {
  const client = { certFile: 'hop.pem', keyFile: 'hop.key', cert: pki.server.chain, key: pki.server.key }
  return testConfig(
    pki,
    {
      ca: ca.url,
      masters: [
        { name: 'm1', url: m1.url },
        { name: 'm2', url: m2.url },
        { name: 'm3', url: m3.url },
        { name: 'reports', url: reports.url, pools: ['reports'] },
        { name: 'raw', url: raw.url, pools: ['raw'] },
        { name: 'lost', url: 'https://lost.invalid:8140', pools: ['lost'] }
      ],
      routes: [
        { certnames: ['*.lost.example.com'], pool: 'lost' },
        { classes: ['report'], pool: 'reports' }
      ]
    },
    {
      listen: {
        tcp: [{ port: 0, pool: 'raw', proxyProtocol: undefined }],
        limits: { perCertname: 2 },
        proxyProtocol: { from: [IN_FRONT] }
      },
      tls: { crl: { ...fetchedLists(), refreshMs: SECOND_MS } },
      upstream: {
        connectTimeoutMs: 30 * SECOND_MS,
        responseTimeoutMs: 60 * SECOND_MS,
        tls: { ca: pki.authority.bundle, client, serverName: undefined, verify: true }
      },
      health: { intervalMs: SECOND_MS, timeoutMs: 30 * SECOND_MS },
      queue: { timeoutMs: 60 * SECOND_MS, shedAboveMs: 60 * SECOND_MS },
      caCache: true
    }
  )
}
