import type { EnrollSettings } from '../../model/enrolment.ts'

/** What stands behind a command that is to be run on the CA. */
export const whereForbidden =
  'Where the CA answers its own commands with 403, it believes identity headers: see "If the certificate is lost" in DEPLOY.md'

/**
 * How to get a new certificate, of a new key, in place of an enrolled one that is no good. `config`: the file that says
 * how it enrols, where that is known.
 */
export function anew(
  { directory, name }: Pick<EnrollSettings, 'directory' | 'name'>,
  config?: string
): string {
  const enroll = config === undefined ? 'puppet-lb enroll' : `puppet-lb enroll --config ${config}`
  return (
    `A new one: puppetserver ca clean --certname ${name} (on the CA); here mkdir ${directory}/old, ` +
    `mv ${directory}/cert.pem ${directory}/key.pem ${directory}/old, ${enroll} (or a restart); then ` +
    `puppetserver ca sign --certname ${name} (on the CA). ${whereForbidden}`
  )
}
