import type { ServerFiles } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'
import { restart } from '../places.ts'

const find = findingOf('server-files')

/** A Puppet Server's own files on this machine: what cannot be seen from outside. Pure. */
export function checkServerFiles({ directory, auth, ca, webserver }: ServerFiles): readonly Finding[] {
  const findings: Finding[] = []
  const believes = auth !== undefined && settingIn(auth, 'allow-header-cert-info') === 'true'
  if (believes && webserver !== undefined) findings.push(...openDoors(directory, webserver))
  if (ca !== undefined && settingIn(ca, 'enable-infra-crl') === 'true')
    findings.push(
      find(
        'warning',
        `${directory}/ca.conf`,
        'enable-infra-crl is true: this CA serves a list that names no agents. A balancer that goes by it lets revoked agents in.',
        'Ship the full list, ca_crl.pem, to the balancer; or set enable-infra-crl: false.'
      )
    )
  if (
    ca !== undefined &&
    settingIn(ca, 'allow-auto-renewal') === 'true' &&
    auth?.includes('/certificate_renewal') === false
  )
    findings.push(
      find(
        'warning',
        `${directory}/auth.conf`,
        'allow-auto-renewal is true, and no rule allows /puppet-ca/v1/certificate_renewal: agents cannot renew.',
        `Add the rule of the package: path "/puppet-ca/v1/certificate_renewal", method post, allow: "*", ${restart}.`
      )
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
