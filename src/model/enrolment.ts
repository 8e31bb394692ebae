/** What an enrolled balancer keeps in its directory, by what it is. */
export const enrolledFiles = Object.freeze({
  cert: 'cert.pem',
  key: 'key.pem',
  ca: 'ca.pem',
  crl: 'crl.pem'
})

/** Kinds of key that a balancer makes for itself. */
export const ownKeyTypes = ['ecdsa', 'rsa'] as const
export type OwnKeyType = (typeof ownKeyTypes)[number]

/** How a balancer gets its certificate from the Puppet CA. */
export interface EnrollSettings {
  /** The certname to ask for. */
  readonly name: string
  /** Further names that agents use: DNS names or IP addresses. */
  readonly altNames: readonly string[]
  /** SHA-256, `AB:CD:…`, by which the CA is known before anything of it is. `undefined`: only a bundle that is there is believed. */
  readonly caFingerprint: string | undefined
  /** ECDSA is P-256, RSA has 4096 bits. */
  readonly keyType: OwnKeyType
  /** Absolute. */
  readonly directory: string
}

/** How it stands with the certificate that agents see. */
export const ownStates = ['good', 'renewal-due', 'expired', 'revoked', 'cleaned', 'replaced'] as const
export type OwnState = (typeof ownStates)[number]

/** The same with what is behind it. */
export interface OwnStanding {
  readonly state: OwnState
  /** Why, and what to do; `undefined` while it is good. */
  readonly cause: string | undefined
}
