import { mkdirSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Authority } from '../simulation/certificates.ts'
import { hereOf } from './demo-place.ts'
import { createCertificateStore, type KeptCertificate } from './kept-certificates.ts'

/** The certificates of the demonstration; the files are all in one directory. */
export interface DemoMaterial {
  readonly directory: string
  /** The Puppet CA, for agents and for what they see of the balancer. */
  readonly puppet: Authority
  readonly caFile: string
  /** A CA of its own for the hop to the masters: a Puppet certificate opens nothing there. */
  readonly hop: Authority
  readonly hopCaFile: string
  /** What the balancer shows to agents. */
  readonly server: KeptCertificate
  /** What the balancer shows to masters. */
  readonly balancer: KeptCertificate
  /** An agent for experiments with curl. */
  readonly agent: KeptCertificate
  /** The certname that may use administrative endpoints, and what the CA has for operators. */
  readonly operator: KeptCertificate
}

export const agentName = 'agent.demo'
export const operatorName = 'operator.demo'
/** The agent that the guide and the tour revoke. */
export const revokedName = 'web01.demo'

/**
 * Makes the certificates, or finds those that are still good; `host` is where agents come. Throws when the directory cannot
 * be written.
 */
export async function prepareMaterial(
  directory: string,
  wallClock: () => number,
  host = '127.0.0.1'
): Promise<DemoMaterial> {
  mkdirSync(directory, { recursive: true })
  const store = createCertificateStore(directory, wallClock)
  const [puppet, hop] = [await store.authority('ca'), await store.authority('hop-ca')]
  // The CA remembers nobody that it revoked, and counts its lists anew: those kept of the last time look newer.
  rmSync(join(directory, 'revocation-lists.pem'), { force: true })
  const names = [...new Set(['localhost', 'puppet', hostname(), '127.0.0.1', hereOf(host)])]
  return {
    directory,
    puppet,
    caFile: join(directory, 'ca.pem'),
    hop,
    hopCaFile: join(directory, 'hop-ca.pem'),
    server: await store.issue('server', puppet, { certname: 'puppet-lb.demo', altNames: names }),
    balancer: await store.issue('balancer', hop, { certname: 'puppet-lb.demo' }),
    agent: await store.issue('agent', puppet, { certname: agentName, extensions: { pp_role: 'demo' } }),
    operator: await store.issue('operator', puppet, {
      certname: operatorName,
      extensions: { pp_cli_auth: 'true' }
    })
  }
}
