import type { App } from '../../src/app.ts'
import type { AgentList, AgentStatus, RunPart } from '../../src/model/agents.ts'

/** When test runs are: in January 2026, milliseconds since 1970. */
export const someDayMs = Date.UTC(2026, 0, 1)

/** What a worker saw of an agent's run: 20 s with a catalog and a report, unless told otherwise; dates count from `someDayMs`. */
export function runPart(
  certname: string,
  { startsAtMs = 0, ms = 20_000, ...rest }: Partial<RunPart> & { startsAtMs?: number; ms?: number } = {}
): RunPart {
  return {
    certname,
    startedAtMs: someDayMs + startsAtMs,
    endedAtMs: someDayMs + startsAtMs + ms,
    requests: 12,
    failures: 0,
    catalog: 'given',
    compileMs: 4_200,
    report: 'fine',
    version: '8.10.0',
    environment: 'production',
    master: 'm1',
    certificateEndsAtMs: Date.UTC(2030, 0, 1),
    ...rest
  }
}

/** What a balancer tells of agents. */
export async function agentsOf({ adminPort }: Pick<App, 'adminPort'>, query = ''): Promise<AgentList> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/api/agents${query}`)
  return (await answer.json()) as AgentList
}

export async function agentOf(
  app: Pick<App, 'adminPort'>,
  certname: string
): Promise<AgentStatus | undefined> {
  const { agents } = await agentsOf(app, `?query=${certname}`)
  return agents.find(agent => agent.certname === certname)
}
