import { Counter, Gauge, type Registry } from 'prom-client'

const PREFIX = 'puppet_lb_'

/** What the control plane knows of certificates and of the CA's documents at the moment of a scrape. */
export interface CertificateFacts {
  /** By what it is used for: when it ends, seconds since 1970. */
  readonly certificates: () => ReadonlyMap<string, number>
  /** By document: seconds since the CA gave the copy or said that it is unchanged. */
  readonly caDocuments: () => ReadonlyMap<string, number>
}

/** What a data plane counts of the CA's documents. */
export function createCaCopyMetrics(registry: Registry) {
  return {
    caCopies: new Counter({
      name: `${PREFIX}ca_copies_total`,
      help: "Requests for the CA's certificates (`certificate`) or lists (`crl`) that were answered from the copy, since the CA was away.",
      labelNames: ['document'] as const,
      registers: [registry]
    })
  }
}

/** Gauges of what certificates and copies are in use. */
export function createCertificateMetrics(registry: Registry, facts: CertificateFacts): void {
  const registers = [registry]
  new Gauge({
    name: `${PREFIX}certificate_not_after_timestamp_seconds`,
    help: 'When a certificate in use expires, or a revocation list is out of date, by its role: "Expiry" in ADMIN.md.',
    labelNames: ['cert'] as const,
    registers,
    collect() {
      this.reset()
      for (const [cert, at] of facts.certificates()) this.set({ cert }, at)
    }
  })
  new Gauge({
    name: `${PREFIX}ca_copy_age_seconds`,
    help: 'Since the CA gave the copy of its certificates or lists, or said that it is unchanged. Absent without a copy.',
    labelNames: ['document'] as const,
    registers,
    collect() {
      this.reset()
      for (const [document, seconds] of facts.caDocuments()) this.set({ document }, seconds)
    }
  })
}
