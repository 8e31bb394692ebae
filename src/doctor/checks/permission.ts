import type { MemberFacts, Permission, SiteFacts } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'
import { restart, serverFile } from '../places.ts'

const find = findingOf('permission')

/** What `auth.conf` denies that the balancer or agents need, and what the CA lacks. Pure. */
export function checkPermissions({ masters, ca }: SiteFacts): readonly Finding[] {
  return [...masters, ca].flatMap(member => [
    ...denied(member),
    ...(member.name === 'ca' ? missing(member) : [])
  ])
}

function denied({ name, permissions }: MemberFacts): readonly Finding[] {
  return permissions
    .filter(({ status }) => status === 403 || status === 401)
    .map(({ method, path, status }) =>
      find(
        'error',
        name,
        `it answers ${status} to ${method} ${path}: ${needs(path)}.`,
        `Put the packaged rule for this path back into ${serverFile('auth.conf')}, ${restart}: ${ruleFor(path)}.`
      )
    )
}

function needs(path: string): string {
  if (path.startsWith('/status/')) return 'without it a health check cannot tell whether it works'
  if (path.startsWith('/puppet/v3/catalog')) return 'no agent gets its catalog from it'
  if (path.endsWith('/certificate_renewal')) return 'agents of version 8 cannot renew their certificates'
  if (path.includes('certificate_revocation_list'))
    return 'agents stop when they cannot get the revocation list'
  return 'new agents cannot enrol'
}

function ruleFor(path: string): string {
  if (path.startsWith('/puppet/v3/catalog'))
    return 'path "^/puppet/v3/catalog/([^/]+)$", method [get, post], allow: "$1"'
  if (path.endsWith('/certificate_renewal')) return 'method post, allow: "*"'
  return 'allow-unauthenticated: true'
}

/** The bundle and the list are there at every CA. */
function missing({ permissions }: MemberFacts): readonly Finding[] {
  const isGood = ({ path, status }: Permission) =>
    status === 200 ||
    status === 403 ||
    status === 401 ||
    !/\/(?:certificate|certificate_revocation_list)\/ca$/.test(path)
  return permissions
    .filter(each => !isGood(each))
    .map(({ path, status }) =>
      find(
        'error',
        'ca',
        `it answers ${status} to GET ${path}, which every CA has.`,
        'Correct ca.url: it must be the server with the certificate-authority-service in ' +
          '/etc/puppet/puppetserver/services.d/ca.cfg (Debian) or /etc/puppetlabs/puppetserver/services.d/ca.cfg.'
      )
    )
}
