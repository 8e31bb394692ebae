import type { Runtime } from '../model/runtime.ts'
import type { MasterStatus } from '../model/status.ts'
import { createAgentClient } from '../simulation/agent-client.ts'
import { type DemoMaterial, operatorName } from './demo-material.ts'

/** What an operator does by the admin listener, and at the CA by the agents' port; both as with curl. */
export interface DemoOperator {
  readonly masters: () => Promise<readonly MasterStatus[]>
  readonly drain: (master: string) => Promise<void>
  readonly undrain: (master: string) => Promise<void>
  readonly revoke: (certname: string) => Promise<void>
  /** Takes the certificate away, so that the name is free. */
  readonly deleteCertificate: (certname: string) => Promise<void>
}

/** All reject when they are refused, and when the signal says so. */
export function createDemoOperator({
  material: { puppet, operator },
  host,
  port,
  adminPort,
  runtime,
  signal
}: {
  readonly material: Pick<DemoMaterial, 'puppet' | 'operator'>
  readonly host: string
  readonly port: number
  readonly adminPort: number
  readonly runtime: Runtime
  readonly signal: AbortSignal
}): DemoOperator {
  const askAdmin = async (path: string, method = 'GET'): Promise<unknown> => {
    const url = `http://127.0.0.1:${adminPort}/api/masters${path}`
    const answer = await fetch(url, { method, headers: { 'X-Puppet-LB': '1' }, signal })
    if (!answer.ok) throw new Error(`${method} ${url} was answered with ${answer.status}`)
    return answer.json()
  }

  const askCa = async (method: string, certname: string, state?: string): Promise<void> => {
    const place = { host, port, servername: 'puppet', ca: puppet.bundle, identity: operator }
    const client = createAgentClient({ ...place, runtime, signal })
    try {
      const path = `/puppet-ca/v1/certificate_status/${certname}`
      const headers = { 'Content-Type': 'application/json' }
      const body = state === undefined ? {} : { headers, body: JSON.stringify({ desired_state: state }) }
      const { status, text } = await client.ask({ method, path, ...body })
      if (status !== 204)
        throw new Error(`${operatorName}: ${method} ${path} was answered with ${status}: ${text}`)
    } finally {
      client.close()
    }
  }

  return {
    masters: () => askAdmin('') as Promise<readonly MasterStatus[]>,
    drain: async master => void (await askAdmin(`/${master}/drain`, 'POST')),
    undrain: async master => void (await askAdmin(`/${master}/undrain`, 'POST')),
    revoke: certname => askCa('PUT', certname, 'revoked'),
    deleteCertificate: certname => askCa('DELETE', certname)
  }
}
