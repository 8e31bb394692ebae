import type { Logger } from 'pino'
import { type App, startApp } from '../../src/app.ts'
import type { Runtime } from '../../src/model/runtime.ts'
import type { Config, MasterConfig } from '../../src/model/settings.ts'
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

type Overrides = { readonly [Key in keyof Config]?: Partial<Config[Key]> }

/** A configuration for loopback: ports of the system's choice, no worker threads, quick probes, no log. */
export function testConfig(
  pki: TestPki,
  topology: {
    readonly ca: string
    readonly masters: readonly (Pick<MasterConfig, 'name' | 'url'> & Partial<MasterConfig>)[]
  },
  overrides: Overrides = {}
): Config {
  const certificate = {
    certFile: 'server.pem',
    keyFile: 'server.key',
    cert: pki.server.chain,
    key: pki.server.key
  }
  return {
    file: 'test.yaml',
    listen: { host: '127.0.0.1', port: 0, workers: 0, drainTimeoutMs: 5_000, ...overrides.listen },
    tls: {
      certificates: [certificate],
      ca: pki.authority.bundle,
      caFile: 'ca.pem',
      crl: undefined,
      ...overrides.tls
    },
    ca: { url: topology.ca },
    masters: topology.masters.map(master => ({ weight: 1, priority: 0, ...master })),
    upstream: {
      connectTimeoutMs: 2_000,
      responseTimeoutMs: 60_000,
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
    admin: { host: '127.0.0.1', port: 0, allow: [], ...overrides.admin },
    log: { level: 'silent', ...overrides.log }
  }
}

/** Starts a balancer and stops it with the test. */
export async function startBalancer(
  t: { teardown: (task: () => unknown) => void },
  config: Config,
  options: { readonly runtime?: Runtime; readonly log?: Logger } = {}
): Promise<App> {
  const app = await startApp(config, options)
  t.teardown(() => app.stop())
  return app
}
