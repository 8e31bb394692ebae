import { join } from 'node:path'
import { anew } from '../control/certificates/anew.ts'
import { type EnrollSettings, enrolledFiles } from '../model/enrolment.ts'

/** How the certificate in a file came there, as remedies need to know it. */
export interface Enrolled {
  readonly enroll: EnrollSettings
  /** The configuration that says so. */
  readonly config: string
}

/** By whom a file was brought; `undefined`: by hand. */
export type EnrolledBy = (file: string) => Enrolled | undefined

/** For a configuration in which `enroll` stands, or does not. Pure. */
export function enrolledBy(enroll: EnrollSettings | undefined, config: string): EnrolledBy {
  if (!enroll) return () => undefined
  const files = new Set(Object.values(enrolledFiles).map(name => join(enroll.directory, name)))
  return file => (files.has(file) ? { enroll, config } : undefined)
}

/** The command that enrols, for the next step of a remedy. */
export const enrolling = (config: string) => `puppet-lb enroll --config ${config}`

/** How to get a certificate in place of one that is no good. */
export function newCertificate(by: Enrolled | undefined): string {
  if (by) return `${anew(by.enroll, by.config)}.`
  return (
    'On the CA: puppetserver ca clean --certname NAME, then puppetserver ca generate --certname NAME ' +
    '--subject-alt-names NAME,puppet, and copy certificate and key here again.'
  )
}

/** How to get one in time, in place of one that is good still. */
export function nextCertificate(by: Enrolled | undefined): string {
  if (!by) return newCertificate(undefined)
  return (
    'A balancer that runs renews it; puppet-lb status says why when it cannot. At once: ' +
    `${enrolling(by.config)} --renew, which says what to do on the CA where that renews none.`
  )
}

/** How to get one with another name. */
export function certificateWith(name: string, by: Enrolled | undefined): string {
  if (by) {
    const { directory, name: own } = by.enroll
    return (
      `Add ${name} to enroll.altNames (PUPPET_LB_ENROLL_ALT_NAMES); then puppetserver ca clean --certname ${own} (on the CA), ` +
      `mv ${directory}/cert.pem ${directory}/cert.pem.old (here), ${enrolling(by.config)} (or a restart), and ` +
      `puppetserver ca sign --certname ${own} (on the CA, with allow-subject-alt-names: true in its ca.conf).`
    )
  }
  return (
    'Issue a certificate with this name too: on the CA, puppetserver ca clean --certname NAME, then puppetserver ca ' +
    'generate --certname NAME --subject-alt-names with every name in use, and copy it here.'
  )
}

/** The same for the one that masters know the balancer by. */
export const nextHopCertificate =
  'Make another one, as DEPLOY.md says ("TLS with a certificate of its own for this hop"), let ssl-ca-cert of each master hold ' +
  'both (its webserver.conf; then restart puppetserver), and name the new one in upstream.tls.'
