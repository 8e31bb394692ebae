import { createAuthority } from '../../src/simulation/certificates.ts'
import { renamedCertificate } from '../support/renamed-certificate.ts'
import { issueServer, type Material, materialIn, writeAgent, writeServer } from './material.ts'

/**
 * So many that an agent's next run begins some 24 minutes of Puppet's time after its last one, at a load of 0.9: who
 * remembers where a run went has forgotten it by then, as with agents that run every half an hour.
 */
const agentCount = 2000
export const fleetAgentNames: readonly string[] = Array.from(
  { length: agentCount },
  (_, index) => `node${String(index).padStart(4, '0')}.bench.example`
)

/** Like `makeMaterial`, with EC keys: here waiting is measured, and handshakes are to cost little. */
export async function makeFleetMaterial(directory: string): Promise<Material> {
  const material = materialIn(directory)
  const authority = await createAuthority({ name: 'bench-fleet' })
  const server = await issueServer(authority, 'ec')
  writeServer(material, { authority, server, crl: await authority.crl() })
  const first = await authority.issue({ certname: fleetAgentNames[0] as string })
  for (const certname of fleetAgentNames) writeAgent(material, renamedCertificate(first, certname, authority))
  return material
}
