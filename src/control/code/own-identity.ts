import type { Settings } from '../../model/settings.ts'
import { certificatesOf } from '../../pki/authorities.ts'
import { commonNameOf, leafOf } from '../../pki/server-certificate.ts'
import { isIssuedBy } from '../../pki/vouching.ts'
import { certnameOf, identityHeaders } from '../../puppet/identity.ts'

/** As whom the balancer asks masters for something that their rules allow certnames. */
export interface OwnIdentity {
  readonly certname: string
  /** What masters that believe the balancer about who asks are told. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * By the balancer's own certificate of the Puppet CA: the one that it shows to masters, else the one that agents see.
 * `undefined`: it has none.
 */
export function ownIdentityOf({
  tls,
  upstream
}: Pick<Settings, 'tls' | 'upstream'>): OwnIdentity | undefined {
  const authorities = certificatesOf(tls.ca)
  const own = [upstream.tls.client, ...tls.certificates].filter(each => each !== undefined)
  for (const each of own) {
    const leaf = leafOf(each.cert)
    const certname = leaf && certnameOf(commonNameOf(leaf))
    if (!leaf || certname === undefined || !authorities.some(issuer => isIssuedBy(leaf, issuer))) continue
    return { certname, headers: recordOf(identityHeaders({ certname, pem: leaf.toString() })) }
  }
  return undefined
}

function recordOf(pairs: readonly string[]): Readonly<Record<string, string>> {
  const names = pairs.filter((_, index) => index % 2 === 0)
  return Object.fromEntries(names.map((name, index) => [name.toLowerCase(), pairs[2 * index + 1] as string]))
}
