import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { type Authority, createAuthority, type IssuedCertificate } from '../../src/simulation/certificates.ts'

/** The name every agent asks for; loopback is among the alternative names, because masters are known by address. */
export const serverName = 'puppet.bench.example'
export const agentNames: readonly string[] = ['agent-1', 'agent-2', 'agent-3', 'agent-4']
/** Has a certificate which the revocation lists name. */
export const revokedName = 'agent-revoked'

/** Suites of TLS 1.3 in the order that puppet-lb prefers: all proxies are to agree on the same with the same agents. */
export const tls13Suites = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256'

/** Key types of everybody: Puppet's default, and what `key_type = ec` makes. */
export const keyNames = ['rsa', 'ecdsa'] as const
export type KeyName = (typeof keyNames)[number]
export const keyTitles: Readonly<Record<KeyName, string>> = { rsa: 'RSA-4096', ecdsa: 'ECDSA P-256' }

/** Files of a Puppet CA: root, intermediate, server, revocation lists; and of agents, by their names. */
export interface Material {
  readonly directory: string
  readonly ca: string
  readonly crl: string
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
    crl: join(directory, 'crl.pem'),
    serverCert: join(directory, 'server.pem'),
    serverKey: join(directory, 'server.key'),
    serverBoth: join(directory, 'server-and-key.pem')
  }
}

/** Makes them; with RSA some seconds, for the keys. */
export async function makeMaterial(directory: string, key: KeyName): Promise<Material> {
  const material = materialIn(directory)
  const keyType = key === 'rsa' ? 'rsa4096' : 'ec'
  const authority = await createAuthority({ keyType, name: 'bench' })
  const [server, revoked, ...agents] = await Promise.all([
    issueServer(authority, keyType),
    authority.issue({ certname: revokedName, keyType }),
    ...agentNames.map(certname => authority.issue({ certname, keyType }))
  ])
  writeServer(material, { authority, server, crl: await authority.crl({ revoked: [revoked.serial] }) })
  for (const agent of [revoked, ...agents]) writeAgent(material, agent)
  return material
}

/** The certificate that all proxies and masters show. */
export function issueServer(authority: Authority, keyType: 'ec' | 'rsa4096'): Promise<IssuedCertificate> {
  return authority.issue({ certname: serverName, altNames: ['localhost', '127.0.0.1'], keyType })
}

/** Writes all but the agents. */
export function writeServer(
  material: Material,
  {
    authority,
    server,
    crl
  }: { readonly authority: Authority; readonly server: IssuedCertificate; readonly crl: string }
): void {
  writeFileSync(material.ca, authority.bundle)
  writeFileSync(material.crl, crl)
  writeFileSync(material.serverCert, server.chain)
  writeFileSync(material.serverKey, server.key)
  writeFileSync(material.serverBoth, server.chain + server.key)
}

/** Writes certificate and key of an agent into one file. */
export function writeAgent({ directory }: Material, { certname, cert, key }: IssuedCertificate): void {
  writeFileSync(join(directory, `${certname}.pem`), cert + key)
}

/** Certificate and key of an agent, PEM. */
export function agentCertificate(material: Material, certname: string): string {
  return readFileSync(join(material.directory, `${certname}.pem`), 'utf8')
}

/**
 * What an agent brings into a handshake; without a certname, an agent that has no certificate yet. TLS 1.3 with
 * X25519, because that is what the OpenSSL of agents chooses. Node alone would offer a post-quantum key share as
 * well, which only a server with as new an OpenSSL takes: the proxies would then not do the same work.
 */
export function agentContext(material: Material, certname: string | undefined): SecureContext {
  const pem = certname === undefined ? undefined : agentCertificate(material, certname)
  return createSecureContext({
    ca: readFileSync(material.ca),
    minVersion: 'TLSv1.3',
    ecdhCurve: 'X25519',
    ...(pem !== undefined && { cert: pem, key: pem })
  })
}
