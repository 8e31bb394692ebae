import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Authority } from '../simulation/certificates.ts'
import { createCertificateStore, type KeptCertificate } from './kept-certificates.ts'

/** The certificates of the demonstration; the files are all in one directory. */
export interface DemoMaterial {
  readonly directory: string
  /** The Puppet CA, for agents and for what they see of the balancer. */
  readonly puppet: Authority
  readonly caFile: string
  readonly crlFile: string
  /** A CA of its own for the hop to the masters: a Puppet certificate opens nothing there. */
  readonly hop: Authority
  readonly hopCaFile: string
  /** What the balancer shows to agents. */
  readonly server: KeptCertificate
  /** What the balancer shows to masters. */
  readonly balancer: KeptCertificate
  /** An agent for experiments with curl. */
  readonly agent: KeptCertificate
  /** The certname that may use administrative endpoints. */
  readonly operator: KeptCertificate
}

export const agentName = 'agent.demo'
export const operatorName = 'operator.demo'

/** Makes the certificates, or finds those that are still good. Throws when the directory cannot be written. */
export async function prepareMaterial(directory: string, wallClock: () => number): Promise<DemoMaterial> {
  mkdirSync(directory, { recursive: true })
  const store = createCertificateStore(directory, wallClock)
  const [puppet, hop] = [await store.authority('ca'), await store.authority('hop-ca')]
  const crlFile = join(directory, 'crl.pem')
  writeFileSync(crlFile, await puppet.crl())
  const names = ['localhost', 'puppet', hostname(), '127.0.0.1']
  return {
    directory,
    puppet,
    caFile: join(directory, 'ca.pem'),
    crlFile,
    hop,
    hopCaFile: join(directory, 'hop-ca.pem'),
    server: await store.issue('server', puppet, { certname: 'puppet-lb.demo', altNames: names }),
    balancer: await store.issue('balancer', hop, { certname: 'puppet-lb.demo' }),
    agent: await store.issue('agent', puppet, { certname: agentName, extensions: { pp_role: 'demo' } }),
    operator: await store.issue('operator', puppet, { certname: operatorName })
  }
}
