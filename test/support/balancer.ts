import { type App, type AppOptions, startApp } from '../../src/app.ts'
import type { RouteSettings } from '../../src/model/route.ts'
import type { AdminBoot, Boot, Config, MasterSettings, Settings } from '../../src/model/settings.ts'
import {
  type Authority,
  type AuthorityOptions,
  createAuthority,
  type IssuedCertificate
} from '../../src/simulation/certificates.ts'

/** A certificate authority and a server certificate for `puppet`, made once for a test file. */
export interface TestPki {
  readonly authority: Authority
  readonly server: IssuedCertificate
}

export async function createTestPki(options: AuthorityOptions = {}): Promise<TestPki> {
  const authority = await createAuthority(options)
  const server = await authority.issue({
    certname: 'puppet.example.com',
    altNames: ['puppet', 'localhost', '127.0.0.1']
  })
  return { authority, server }
}

/** Overrides of a test, by the groups a file has them in. */
interface Overrides {
  readonly listen?: Partial<
    Boot['listen'] & Omit<Settings['listen'], 'limits'> & { limits: Partial<Settings['listen']['limits']> }
  >
  readonly admin?: Partial<AdminBoot>
  readonly tls?: Partial<Settings['tls']>
  readonly discovery?: Partial<Settings['discovery']>
  readonly upstream?: Partial<Settings['upstream']>
  readonly health?: Partial<Settings['health']>
  readonly balance?: Partial<Settings['balance']>
  readonly queue?: Partial<Settings['queue']>
  readonly access?: Partial<Settings['access']>
  readonly state?: Partial<Settings['state']>
  /** Default: no, so that the CA is asked by agents alone. */
  readonly caCache?: boolean
  readonly log?: Partial<Settings['log']>
}

/** A route, with what it is to say. */
export type TestRoute = Partial<RouteSettings> & Pick<RouteSettings, 'pool'>

/** A route that says no more than it is told to. */
export function testRoute(route: TestRoute, index = 0): RouteSettings {
  const nothing = { certnames: [], extensions: [], classes: [], environments: [] }
  return { ...nothing, place: `test.yaml:${index + 1}`, ...route }
}

/** A configuration for loopback: ports of the system's choice, two worker threads, quick probes, no log. */
export function testConfig(
  pki: TestPki,
  topology: {
    /** Without one `discovery.srv` names it. */
    readonly ca?: string
    readonly masters: readonly (Pick<MasterSettings, 'name' | 'url'> & Partial<MasterSettings>)[]
    readonly routes?: readonly TestRoute[]
  },
  overrides: Overrides = {}
): Config {
  const certificate = {
    certFile: 'server.pem',
    keyFile: 'server.key',
    cert: pki.server.chain,
    key: pki.server.key
  }
  const {
    drainTimeoutMs = 5_000,
    drainDelayMs = 0,
    tcp = [],
    proxyProtocol = { from: [] },
    limits,
    ...listen
  } = overrides.listen ?? {}
  return {
    file: 'test.yaml',
    files: [],
    warnings: [],
    boot: {
      listen: { host: '127.0.0.1', port: 0, workers: 1, tcpPorts: tcp.map(({ port }) => port), ...listen },
      admin: {
        host: '127.0.0.1',
        port: 0,
        hosts: [],
        token: undefined,
        metricsToken: false,
        socket: undefined,
        ...overrides.admin
      }
    },
    settings: {
      listen: {
        drainTimeoutMs,
        drainDelayMs,
        tcp,
        proxyProtocol,
        limits: {
          connections: 20_000,
          perAddress: 20_000,
          perCertname: 20_000,
          memoryBytes: 256 * 1024 ** 2,
          ...limits
        }
      },
      tls: {
        certificates: [certificate],
        profile: 'modern',
        ca: pki.authority.bundle,
        caFile: 'ca.pem',
        crl: undefined,
        ...overrides.tls
      },
      ca: topology.ca === undefined ? undefined : { url: topology.ca },
      caCache: overrides.caCache ?? false,
      discovery: { refreshMs: 30_000, srv: undefined, ...overrides.discovery },
      masters: topology.masters.map(master => ({ weight: 1, priority: 0, ...master })),
      routes: (topology.routes ?? []).map(testRoute),
      upstream: {
        connectTimeoutMs: 2_000,
        responseTimeoutMs: 60_000,
        headerLimitBytes: 8_192,
        ...overrides.upstream,
        tls: {
          ca: pki.authority.bundle,
          client: undefined,
          serverName: undefined,
          verify: true,
          ...overrides.upstream?.tls
        }
      },
      health: {
        path: '/status/v1/simple',
        intervalMs: 1_000,
        timeoutMs: 1_000,
        rise: 1,
        fall: 1,
        ...overrides.health
      },
      balance: { policy: 'least-loaded', affinity: 'phase', ...overrides.balance },
      queue: { limit: 4_000, timeoutMs: 60_000, shedAboveMs: 60_000, ...overrides.queue },
      access: { administrators: [], withoutCertificate: 'forward', ...overrides.access },
      state: { directory: undefined, ...overrides.state },
      reload: 'signal',
      log: { level: 'silent', access: true, file: undefined, ...overrides.log }
    }
  }
}

/** Starts a balancer and stops it with the test. A clock or a log of the test's own cannot cross to worker threads. */
export async function startBalancer(
  t: { teardown: (task: () => unknown) => void },
  config: Config,
  options: AppOptions = {}
): Promise<App> {
  const { boot } = config
  const isHere = options.runtime !== undefined || options.log !== undefined
  const listen = { ...boot.listen, workers: isHere ? 0 : boot.listen.workers }
  const app = await startApp({ ...config, boot: { ...boot, listen } }, options)
  t.teardown(() => app.stop())
  return app
}
