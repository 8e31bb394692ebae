import type { IssuedCertificate, SavedAuthority } from './material.ts'

/** What an attacker is started with. */
export interface AttackOrder {
  readonly name: string
  readonly port: number
  /** Path of the balancer's revocation lists. */
  readonly lists: string
  readonly authority: SavedAuthority
  readonly first: IssuedCertificate
}

/** What the masters' process says once it serves. */
export interface MastersReady {
  readonly ca: string
  readonly masters: readonly string[]
}
