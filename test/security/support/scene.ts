import type { IncomingMessage, ServerResponse } from 'node:http'
import type { App } from '../../../src/app.ts'
import type { Config } from '../../../src/model/settings.ts'
import { createTestPki, startBalancer, type TestPki, testConfig } from '../../support/balancer.ts'
import { type ScriptedMaster, startScriptedMaster } from '../../support/scripted-master.ts'

/** A balancer between a CA and compile masters `m1`, `m2` …, all on TLS, that note what reaches them. */
export interface Scene {
  readonly pki: TestPki
  readonly app: App
  readonly config: Config
  readonly ca: ScriptedMaster
  readonly masters: readonly ScriptedMaster[]
  /** What reached any of them, as `METHOD target`. */
  readonly reached: () => readonly string[]
}

type Overrides = Parameters<typeof testConfig>[2]

export async function startScene(
  t: { teardown: (task: () => unknown) => void },
  {
    pki,
    masters: count = 1,
    script = (_request, response) => response.end('from a master'),
    overrides,
    options,
    jrubies
  }: {
    readonly pki?: TestPki
    readonly masters?: number
    readonly script?: (request: IncomingMessage, response: ServerResponse) => void
    readonly overrides?: Overrides
    readonly options?: Parameters<typeof startBalancer>[2]
    /** Of each master; default: plenty. */
    readonly jrubies?: number
  } = {}
): Promise<Scene> {
  const trust = pki ?? (await createTestPki())
  const tls = trust.server
  const ca = await startScriptedMaster(t, (_request, response) => response.end('from the CA'), { tls })
  const masters = await Promise.all(
    Array.from({ length: count }, () => startScriptedMaster(t, script, { tls, ...(jrubies && { jrubies }) }))
  )
  const config = testConfig(
    trust,
    {
      ca: ca.url,
      masters: masters.map(({ url }, index) => ({ name: `m${index + 1}`, url }))
    },
    // Each promise is kept by each worker for itself; where it takes several, the test says so.
    { ...overrides, listen: { workers: 0, ...overrides?.listen } }
  )
  const app = await startBalancer(t, config, options)
  return {
    pki: trust,
    app,
    config,
    ca,
    masters,
    reached: () => [ca, ...masters].flatMap(({ seen }) => seen.map(({ method, url }) => `${method} ${url}`))
  }
}
