import type { Master } from '../model/master.ts'

/** When the certificate ends that a master showed last. */
export interface PresentedCertificate {
  readonly master: string
  readonly url: string
  /** Milliseconds since 1970. */
  readonly notAfterMs: number
}

/** The certificates that masters and the CA show in the handshakes of their probes. */
export interface PresentedCertificates {
  readonly add: (master: Pick<Master, 'name' | 'url'>, notAfterMs: number) => void
  /** Those of these masters; what any other showed is forgotten. */
  readonly of: (masters: readonly Pick<Master, 'name' | 'url'>[]) => readonly PresentedCertificate[]
}

export function createPresentedCertificates(): PresentedCertificates {
  const seen = new Map<string, PresentedCertificate>()
  const keyOf = ({ name, url }: Pick<Master, 'name' | 'url'>) => `${name} ${url}`
  return {
    add: (master, notAfterMs) =>
      void seen.set(keyOf(master), { master: master.name, url: master.url, notAfterMs }),
    of(masters) {
      const members = new Set(masters.map(keyOf))
      for (const key of seen.keys()) if (!members.has(key)) seen.delete(key)
      return [...seen.values()]
    }
  }
}
