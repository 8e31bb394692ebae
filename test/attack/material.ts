import { type Authority, createAuthority, type IssuedCertificate } from '../../src/simulation/certificates.ts'
import { renamedCertificate } from '../support/renamed-certificate.ts'

export type { IssuedCertificate }
export type SavedAuthority = ReturnType<Authority['save']>

/** A certificate authority, the balancer's certificate and the first of the hostile agents. */
export interface AttackMaterial {
  readonly authority: Authority
  readonly server: IssuedCertificate
  readonly first: IssuedCertificate
}

export async function makeMaterial(): Promise<AttackMaterial> {
  const authority = await createAuthority({ name: 'attack' })
  const server = await authority.issue({
    certname: 'puppet.example.com',
    altNames: ['puppet', 'localhost', '127.0.0.1']
  })
  return { authority, server, first: await authority.issue({ certname: nameOf(0) }) }
}

/** Hostile agents by number, each made when it is first asked for. */
export function hostileAgents(
  authority: Authority,
  first: IssuedCertificate
): (index: number) => IssuedCertificate {
  const made = new Map<number, IssuedCertificate>([[0, first]])
  return index => {
    const known = made.get(index)
    if (known) return known
    const next = renamedCertificate(first, nameOf(index), authority)
    made.set(index, next)
    return next
  }
}

const nameOf = (index: number) => `hostile-${String(index).padStart(4, '0')}.example.com`
