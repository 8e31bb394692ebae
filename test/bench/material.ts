import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { createAuthority } from '../../src/simulation/certificates.ts'

/** The name every agent asks for; loopback is among the alternative names, because masters are known by address. */
export const serverName = 'puppet.bench.example'
export const agentNames: readonly string[] = ['agent-1', 'agent-2', 'agent-3', 'agent-4']

/** Suites of TLS 1.3 in the order that puppet-lb prefers: all three proxies are to agree on the same with the same agents. */
export const tls13Suites = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256'

/** Files of a Puppet CA with RSA-4096 keys throughout, Puppet's default: root, intermediate, server, agents. */
export interface Material {
  readonly directory: string
  readonly ca: string
  readonly serverCert: string
  readonly serverKey: string
  /** Certificates and key in one file, as HAProxy wants them. */
  readonly serverBoth: string
}

/** The files in a directory, whether they are there yet or not. */
export function materialIn(directory: string): Material {
  return {
    directory,
    ca: join(directory, 'ca.pem'),
    serverCert: join(directory, 'server.pem'),
    serverKey: join(directory, 'server.key'),
    serverBoth: join(directory, 'server-and-key.pem')
  }
}

/** Makes them; some seconds, for the keys. */
export async function makeMaterial(directory: string): Promise<Material> {
  const material = materialIn(directory)
  const authority = await createAuthority({ keyType: 'rsa4096', name: 'bench' })
  const altNames = ['localhost', '127.0.0.1']
  const [server, ...agents] = await Promise.all([
    authority.issue({ certname: serverName, altNames, keyType: 'rsa4096' }),
    ...agentNames.map(certname => authority.issue({ certname, keyType: 'rsa4096' }))
  ])
  writeFileSync(material.ca, authority.bundle)
  writeFileSync(material.serverCert, server.chain)
  writeFileSync(material.serverKey, server.key)
  writeFileSync(material.serverBoth, server.chain + server.key)
  for (const agent of agents) {
    writeFileSync(join(directory, `${agent.certname}.pem`), agent.cert)
    writeFileSync(join(directory, `${agent.certname}.key`), agent.key)
  }
  return material
}

/** The certificate of an agent, PEM. */
export function agentCertificate(material: Material, certname: string): string {
  return readFileSync(join(material.directory, `${certname}.pem`), 'utf8')
}

/**
 * What an agent brings into a handshake; without a certname, an agent that has no certificate yet. TLS 1.3 with
 * X25519, because that is what the OpenSSL of agents chooses. Node alone would offer a post-quantum key share as
 * well, which only a server with as new an OpenSSL takes: the proxies would then not do the same work.
 */
export function agentContext(material: Material, certname: string | undefined): SecureContext {
  return createSecureContext({
    ca: readFileSync(material.ca),
    minVersion: 'TLSv1.3',
    ecdhCurve: 'X25519',
    ...(certname !== undefined && {
      cert: agentCertificate(material, certname),
      key: readFileSync(join(material.directory, `${certname}.key`))
    })
  })
}
