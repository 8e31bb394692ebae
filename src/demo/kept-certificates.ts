import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Authority,
  createAuthority,
  type IssueOptions,
  loadAuthority
} from '../simulation/certificates.ts'
import type { SavedCertifier } from '../simulation/certifier.ts'
import { readTrustedExtensions } from '../simulation/puppet-extensions.ts'

/** What is kept must be good for longer than a demonstration. */
const spareMs = 30 * 24 * 60 * 60 * 1000

/** A directory of throwaway certificates, in which those that are still good are used again. */
export interface CertificateStore {
  /** The authority kept under this name, or a new one with its bundle written to `NAME.pem`. */
  readonly authority: (name: string) => Promise<Authority>
  /** Chain and key kept as `NAME.pem` and `NAME.key`, or newly issued ones. */
  readonly issue: (name: string, authority: Authority, what: IssueOptions) => Promise<KeptCertificate>
}

/** A certificate chain with its key (PEM), and the files they are in. */
export interface KeptCertificate {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

export function createCertificateStore(directory: string, wallClock: () => number): CertificateStore {
  const file = (name: string) => join(directory, name)
  const readText = (name: string) => readFileSync(file(name), 'utf8')
  const isGood = ({ validToDate, validFromDate }: X509Certificate) => {
    return validFromDate.getTime() <= wallClock() && validToDate.getTime() > wallClock() + spareMs
  }

  return {
    authority: async name => {
      const kept = attempt(() => {
        const saved = JSON.parse(readText(`${name}.json`)) as readonly SavedCertifier[]
        const usable = saved.every(({ cert }) => isGood(new X509Certificate(cert)))
        return usable ? loadAuthority(saved, wallClock) : undefined
      })
      const authority = kept ?? (await createAuthority({ name, wallClock }))
      writeFileSync(file(`${name}.json`), JSON.stringify(authority.save()), { mode: 0o600 })
      writeFileSync(file(`${name}.pem`), authority.bundle)
      return authority
    },

    issue: async (name, authority, what) => {
      const files = { certFile: file(`${name}.pem`), keyFile: file(`${name}.key`) }
      const kept = attempt(() => {
        const [cert, key] = [readText(`${name}.pem`), readText(`${name}.key`)]
        const leaf = new X509Certificate(cert)
        const signer = new X509Certificate(authority.bundle)
        const isOurs = leaf.verify(signer.publicKey) && leaf.checkPrivateKey(createPrivateKey(key))
        return isOurs && isGood(leaf) && isAs(leaf, what) ? { cert, key } : undefined
      })
      if (kept) return { ...kept, ...files }
      const { chain, key } = await authority.issue(what)
      writeFileSync(files.certFile, chain)
      writeFileSync(files.keyFile, key, { mode: 0o600 })
      return { cert: chain, key, ...files }
    }
  }
}

/** What is absent or cannot be read is made anew, which is all that its reason would lead to. */
function attempt<T>(read: () => T | undefined): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** Whether it has the names and the extensions that are wanted. */
function isAs(leaf: X509Certificate, { certname, altNames = [], extensions = {} }: IssueOptions): boolean {
  const names = leaf.subjectAltName?.split(', ') ?? []
  const has = readTrustedExtensions(leaf.toString())
  return (
    [certname, ...altNames].every(
      name => names.includes(`DNS:${name}`) || names.includes(`IP Address:${name}`)
    ) && Object.entries(extensions).every(([name, value]) => has[name] === value)
  )
}
