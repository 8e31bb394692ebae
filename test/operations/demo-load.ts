import { once } from 'node:events'
import { connect } from 'node:net'
import type { Test } from 'tap'
import type { App } from '../../src/app.ts'
import { systemRuntime } from '../../src/model/runtime.ts'
import { pause } from '../../src/simulation/pause.ts'
import { runAgent } from '../../src/simulation/simulated-agent.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, type TestPki, testConfig } from '../support/balancer.ts'
import { fetchedLists } from '../support/list-authority.ts'

const COMPILE_MS = 30
const JRUBIES = 2
/** As many as it takes to keep every JRuby of a master busy. */
const AGENTS = JRUBIES
const REST_MS = 250

/** A balancer with everything that has metrics, under load until the test is over. */
export interface DemoLoad {
  readonly app: App
}

/**
 * Lets agents run, again and again, through a balancer with pools, raw TCP and lists of the CA. One of three masters is
 * dead after a while, and what strangers and careless agents do is done once.
 */
export async function startDemoLoad(t: Test): Promise<DemoLoad> {
  const pki = await createTestPki()
  const masters = await startMasters(t, pki)
  const app = await startBalancer(t, configOf(pki, masters))
  const isOver = keepRunning(pki, app.port)
  t.teardown(isOver)
  await misbehave(t, pki, app)
  await masters.m2.kill()
  await hangUp(t, { pki, app, compiler: masters.m1 })
  await masters.raw.kill()
  await enterRaw(app)
  return { app }
}

type Masters = Readonly<Record<'ca' | 'm1' | 'm2' | 'reports' | 'raw', SimulatedMaster>>

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
    ca: await start('ca', { ca: pki.authority }),
    m1: await start('m1'),
    m2: await start('m2'),
    reports: await start('reports'),
    raw: await start('raw', { tls })
  }
}

function configOf(pki: TestPki, { ca, m1, m2, reports, raw }: Masters) {
  const client = { certFile: 'hop.pem', keyFile: 'hop.key', cert: pki.server.chain, key: pki.server.key }
  return testConfig(
    pki,
    {
      ca: ca.url,
      masters: [
        { name: 'm1', url: m1.url },
        { name: 'm2', url: m2.url },
        { name: 'reports', url: reports.url, pools: ['reports'] },
        { name: 'raw', url: raw.url, pools: ['raw'] }
      ],
      routes: [{ classes: ['report'], pool: 'reports' }]
    },
    {
      listen: {
        workers: 1,
        tcp: [{ port: 0, pool: 'raw', proxyProtocol: undefined }],
        limits: { perCertname: 2 }
      },
      tls: { crl: fetchedLists() },
      upstream: { tls: { ca: pki.authority.bundle, client, serverName: undefined, verify: true } },
      caCache: true
    }
  )
}

/** Agents that run again and again; the result lets them end. */
function keepRunning({ authority }: TestPki, port: number): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping
  const live = async (certname: string) => {
    const { cert, key } = await authority.issue({ certname })
    const place = { host: '127.0.0.1', port, servername: 'puppet', ca: authority.bundle, signal }
    while (!signal.aborted) {
      await runAgent({ ...place, certname, identity: { cert, key }, files: 1 })
      await pause(REST_MS, systemRuntime, signal).catch(() => {})
    }
  }
  const lives = Array.from({ length: AGENTS }, (_, index) => live(`web-${index}.example.com`))
  return async () => {
    stopping.abort()
    await Promise.all(lives)
  }
}

/** Once each: no certificate, a foreign one, more connections than allowed, no TLS, raw TCP. */
async function misbehave(t: Test, pki: TestPki, app: App): Promise<void> {
  const certname = 'odd.example.com'
  const node = { path: `/puppet/v3/node/${certname}` }
  const identity = await pki.authority.issue({ certname })
  const foreign = await (await createTestPki()).authority.issue({ certname })
  await connectAgent(t, pki, app.port).ask({ path: '/puppet-ca/v1/certificate/ca' })
  await connectAgent(t, pki, app.port).ask({ path: '/puppet-admin-api/v1/environment-cache' })
  await connectAgent(t, pki, app.port, foreign).ask(node)
  for (let count = 0; count < 3; count++) await connectAgent(t, pki, app.port, identity).ask(node)
  await fetch(`http://127.0.0.1:${app.port}/`).catch(() => undefined)
  await enterRaw(app)
}

/** A connection of raw TCP, to its end. */
async function enterRaw({ tcpPorts: [port = 0] }: App): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.end('no TLS')
  socket.resume()
  await once(socket, 'close')
}

/** An agent leaves while it waits: every JRuby has a catalog of somebody else. */
async function hangUp(
  t: Test,
  { pki, app, compiler }: { readonly pki: TestPki; readonly app: App; readonly compiler: SimulatedMaster }
): Promise<void> {
  const certname = 'leaver.example.com'
  const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname }))
  compiler.hold()
  await compiler.until(({ held }) => held === JRUBIES)
  const path = `/puppet/v3/catalog/${certname}?environment=production`
  const request = agent.open({ method: 'POST', path, body: 'facts={}' })
  request.on('error', () => {})
  await once(request, 'finish')
  await pause(REST_MS, systemRuntime)
  request.destroy()
  await pause(REST_MS, systemRuntime)
  compiler.release()
}
