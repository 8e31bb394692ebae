import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { type Material, materialIn, serverName } from './material.ts'

/** More than ever run at a time: one that runs has a certname of its own. */
const agentCount = 400
export const fleetAgentNames: readonly string[] = Array.from(
  { length: agentCount },
  (_, index) => `node${index}.bench.example`
)

/** Like `makeMaterial`, with EC keys: here waiting is measured, and handshakes are to cost little. */
export async function makeFleetMaterial(directory: string): Promise<Material> {
  const material = materialIn(directory)
  const authority = await createAuthority({ name: 'bench-fleet' })
  const server = await authority.issue({ certname: serverName, altNames: ['localhost', '127.0.0.1'] })
  writeFileSync(material.ca, authority.bundle)
  writeFileSync(material.serverCert, server.chain)
  writeFileSync(material.serverKey, server.key)
  writeFileSync(material.serverBoth, server.chain + server.key)
  for (const certname of fleetAgentNames) {
    const { cert, key } = await authority.issue({ certname })
    writeFileSync(join(directory, `${certname}.pem`), cert)
    writeFileSync(join(directory, `${certname}.key`), key)
  }
  return material
}
