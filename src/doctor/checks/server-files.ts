import { join } from 'node:path'
import { enrolledFiles } from '../../model/enrolment.ts'
import type { Settings } from '../../model/settings.ts'
import type { ServerFiles } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'
import { restart } from '../places.ts'

const find = findingOf('server-files')

/** What the configuration makes of the CA. */
export interface Wants {
  /** The balancer gets its certificate there, by itself. */
  readonly enrols: boolean
  /** That certificate is to have more names than its own. */
  readonly wantsNames: boolean
  /** The CA's full revocation list is shipped here. */
  readonly hasFullList: boolean
}

/** Of a configuration. */
export function wantsOf({ enroll, tls }: Pick<Settings, 'enroll' | 'tls'>): Wants {
  return {
    enrols: enroll !== undefined,
    wantsNames: (enroll?.altNames.length ?? 0) > 0,
    hasFullList:
      tls.crl?.file !== undefined && (!enroll || tls.crl.file !== join(enroll.directory, enrolledFiles.crl))
  }
}

/** A Puppet Server's own files on this machine: what cannot be seen from outside. Pure. */
export function checkServerFiles(
  { directory, auth, ca, webserver }: ServerFiles,
  wants: Wants
): readonly Finding[] {
  const believes = auth !== undefined && settingIn(auth, 'allow-header-cert-info') === 'true'
  return [
    ...(believes && webserver !== undefined ? openDoors(directory, webserver) : []),
    ...(ca === undefined ? [] : blockades({ directory, auth, ca }, wants))
  ]
}

/** Settings of the CA that keep something from working. */
function blockades(
  {
    directory,
    auth,
    ca
  }: { readonly directory: string; readonly auth: string | undefined; readonly ca: string },
  { enrols, wantsNames, hasFullList }: Wants
): readonly Finding[] {
  const findings: Finding[] = []
  const told = (level: Finding['level'], file: string, message: string, remedy: string) =>
    findings.push(find(level, `${directory}/${file}`, message, remedy))
  const isShort = settingIn(ca, 'enable-infra-crl') === 'true'
  if (isShort && hasFullList)
    told(
      'note',
      'ca.conf',
      'enable-infra-crl is true: this CA serves a list that names no agents. The full one is in tls.crl.file.',
      'Nothing, as long as that is shipped.'
    )
  if (isShort && !hasFullList)
    told(
      'warning',
      'ca.conf',
      'enable-infra-crl is true: this CA serves a list that names no agents. A balancer that goes by it lets revoked agents in.',
      'Ship the full list, ca_crl.pem, to the balancer, as DEPLOY.md says ("The full list"); or set enable-infra-crl: false.'
    )
  if (wantsNames && settingIn(ca, 'allow-subject-alt-names') !== 'true')
    told(
      'warning',
      'ca.conf',
      'allow-subject-alt-names is not true: this CA signs no certificate with the names in enroll.altNames, so a new one of ours cannot be had.',
      `Set allow-subject-alt-names: true in certificate-authority, ${restart}.`
    )
  const renews = settingIn(ca, 'allow-auto-renewal') === 'true'
  if (enrols && !renews)
    told(
      'note',
      'ca.conf',
      'allow-auto-renewal is not true: this CA renews no certificates, so somebody has to sign ours each time (puppet-lb status says when and how).',
      `With Puppet Server 8.1 or later, set allow-auto-renewal: true in certificate-authority, ${restart}.`
    )
  if (renews && auth?.includes('/certificate_renewal') === false)
    told(
      'warning',
      'auth.conf',
      'allow-auto-renewal is true, and no rule allows /puppet-ca/v1/certificate_renewal: nobody can renew, neither agents nor we.',
      `Add the rule of the package: path "/puppet-ca/v1/certificate_renewal", method post, allow: "*", ${restart}.`
    )
  return findings
}

function openDoors(directory: string, webserver: string): readonly Finding[] {
  const subject = `${directory}/webserver.conf`
  const isSecure = settingIn(webserver, 'ssl-port') !== undefined
  const isPlain = settingIn(webserver, 'port') !== undefined
  const findings: Finding[] = []
  if (isSecure && settingIn(webserver, 'client-auth') !== 'need')
    findings.push(
      find(
        'error',
        subject,
        'client-auth is not need, and identity headers are believed: whoever reaches this server can be any agent.',
        `Set client-auth: need, and ssl-ca-cert to a certificate that the balancer alone has, ${restart}. On a CA that agents ` +
          'enrol at directly, set allow-header-cert-info: false instead.'
      )
    )
  if (isSecure && isPlain)
    findings.push(
      find(
        'warning',
        subject,
        'there is a plain port beside that of TLS, and identity headers are believed on both.',
        `Take one of them out, ${restart}.`
      )
    )
  return findings
}

/** The value of a key in HOCON, wherever it stands; quotes and comments taken off. The last one counts. */
function settingIn(text: string, key: string): string | undefined {
  const bare = text.replace(/^\s*(?:#|\/\/).*$/gm, '')
  const pattern = new RegExp(`(?:^|[\\s{,])"?${key}"?\\s*[:=]\\s*"?([^"\\s,}#]+)`, 'g')
  return [...bare.matchAll(pattern)].at(-1)?.[1]
}
