import type { App } from '../../src/app.ts'
import type { Config, SrvSettings } from '../../src/model/settings.ts'
import type { MasterStatus } from '../../src/model/status.ts'
import { connectAgent, type TestAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { type NameServer, type Relay, startNameServer, startRelay } from '../support/name-server.ts'
import { type ScriptedMaster, startScriptedMaster } from '../support/scripted-master.ts'

export type Test = Parameters<typeof startNameServer>[0]

export const siteA = 'site-a.example.com'
export const siteB = 'site-b.example.com'
export const catalog = '/puppet/v3/catalog/many.example.com?environment=production'
const names = [
  `master-1.${siteA}`,
  `master-2.${siteA}`,
  `master-3.${siteA}`,
  `master.${siteB}`,
  `puppetca.${siteA}`
]

export const pki = await createTestPki()
const certificate = await pki.authority.issue({ certname: 'masters.example.com', altNames: names })
/** Stands for many agents. */
const many = await pki.authority.issue({ certname: 'many.example.com' })

/**
 * Two sites as Puppet's own guide draws them: site A prefers its two masters, 75 to 25, and falls back to site B, which prefers
 * its one and falls back to those two.
 */
export interface Site {
  readonly masters: Readonly<Record<'master-1' | 'master-2' | 'master-3' | 'master-b' | 'ca', ScriptedMaster>>
  readonly nameServer: NameServer
  readonly relay: Relay
  /** Starts one again that was killed. */
  readonly restart: (name: keyof Site['masters']) => Promise<ScriptedMaster>
}

export async function startSite(t: Test): Promise<Site> {
  const start = (name: string, port?: number) =>
    startScriptedMaster(t, (_request, response) => response.end(name), {
      tls: certificate,
      ...(port !== undefined && { port })
    })
  const [m1, m2, m3, mb, ca] = await Promise.all([
    start('master-1'),
    start('master-2'),
    start('master-3'),
    start('master-b'),
    start('ca')
  ])
  const masters = { 'master-1': m1, 'master-2': m2, 'master-3': m3, 'master-b': mb, ca }
  const nameServer = await startNameServer(t, {
    [siteA]: [
      `_x-puppet._tcp.${siteA}. IN SRV 0 75 ${m1.port} master-1.${siteA}.`,
      `_x-puppet._tcp.${siteA}. IN SRV 0 25 ${m2.port} master-2.${siteA}.`,
      `_x-puppet._tcp.${siteA}. IN SRV 1 5 ${mb.port} master.${siteB}.`,
      `_x-puppet-ca._tcp.${siteA}. IN SRV 0 0 ${ca.port} puppetca.${siteA}.`,
      ...['master-1', 'master-2', 'master-3', 'puppetca'].map(name => `${name}.${siteA}. IN A 127.0.0.1`)
    ],
    [siteB]: [
      `_x-puppet._tcp.${siteB}. IN SRV 0 5 ${mb.port} master.${siteB}.`,
      `_x-puppet._tcp.${siteB}. IN SRV 1 75 ${m1.port} master-1.${siteA}.`,
      `_x-puppet._tcp.${siteB}. IN SRV 1 25 ${m2.port} master-2.${siteA}.`,
      `_x-puppet-ca._tcp.${siteB}. IN SRV 0 0 ${ca.port} puppetca.${siteA}.`,
      `master.${siteB}. IN A 127.0.0.1`
    ]
  })
  const relay = await startRelay(t, nameServer)
  return {
    masters,
    nameServer,
    relay,
    restart: name => start(name, masters[name].port)
  }
}

/** The configuration of a balancer that knows nothing but a domain, that of site A, and the name server. */
export function bySrv(
  { relay }: Site,
  { domain = siteA, refreshMs = 200, servers = [relay.address] }: Partial<SrvSettings> = {}
): Config {
  return testConfig(
    pki,
    { masters: [] },
    {
      discovery: { srv: { domain, refreshMs, servers } },
      balance: { policy: 'round-robin', affinity: 'none' },
      access: { administrators: ['many.example.com'] },
      // A machine that is busy with the test answers late.
      health: { intervalMs: 500, timeoutMs: 500, fall: 3 }
    }
  )
}

/** Such a balancer with its log in hand. */
export async function startTold(t: Test, site: Site, domain = siteA) {
  const { log, ...told } = captureLog()
  return { app: await startBalancer(t, bySrv(site, { domain }), { log }), ...told }
}

export function connectAgents(t: Test, port: number, count: number): readonly TestAgent[] {
  return Array.from({ length: count }, () => connectAgent(t, pki, port, many))
}

/** Agents that ask for catalogs one after the other until the result is called; it tells how every answer was. */
export function askOn(agents: readonly TestAgent[]): () => Promise<Readonly<Record<string, number>>> {
  const statuses: Record<string, number> = {}
  let isOver = false
  const asking = agents.map(async agent => {
    while (!isOver) {
      const outcome = await agent.ask({ path: catalog, method: 'POST' }).then(
        ({ status }) => String(status),
        error => (error as NodeJS.ErrnoException).code ?? 'error'
      )
      statuses[outcome] = (statuses[outcome] ?? 0) + 1
    }
  })
  return async () => {
    isOver = true
    await Promise.all(asking)
    return statuses
  }
}

/** What a balancer says of its members, but for what changes with every request, and what masters tell of themselves. */
export async function membersOf({ adminPort }: App): Promise<Readonly<Record<string, object>>> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/api/masters`)
  const masters = (await answer.json()) as MasterStatus[]
  return Object.fromEntries(masters.map(({ inFlight: _, capacity: __, ...master }) => [master.name, master]))
}
