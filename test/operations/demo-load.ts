import type { Test } from 'tap'
import type { App } from '../../src/app.ts'
import { systemRuntime } from '../../src/model/runtime.ts'
import { pause } from '../../src/simulation/pause.ts'
import { runAgent } from '../../src/simulation/simulated-agent.ts'
import type { TestPki } from '../support/balancer.ts'
import { startDemoSite } from './demo-site.ts'
import { makeTrouble } from './demo-trouble.ts'

/** Ten that come twice tell how long agents pause. */
const AGENTS = 12
const REST_MS = 1_000

/** A balancer with everything that has metrics, under load until the test is over. */
export interface DemoLoad {
  readonly app: App
}

/** Lets agents run, again and again, and everything happen once that is counted. One of three compile masters is dead after that. */
export async function startDemoLoad(t: Test): Promise<DemoLoad> {
  const site = await startDemoSite(t)
  t.teardown(keepRunning(site.pki, site.app.port))
  await makeTrouble(t, site)
  return site
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
