import type { CauseKind } from '../../upstream/cause.ts'
import type { MemberFacts, SiteFacts } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'
import { serverFile } from '../places.ts'

const find = findingOf('reachability')

/** Whether each member answers, and if not, at which step it failed. Pure. */
export function checkReachability(
  { masters, ca, isCaMaster, unknownNames, remarks }: SiteFacts,
  hostOf: (url: string) => string
): readonly Finding[] {
  const members = [...masters, ...(isCaMaster ? [] : [ca])]
  const hosts = new Set(members.map(({ url }) => hostOf(url)))
  return [
    ...members.flatMap(troubleOf),
    ...unknownNames
      .filter(({ name }) => !hosts.has(name))
      .map(({ name, cause }) =>
        find(
          'error',
          name,
          `this name leads to nobody: ${cause}.`,
          'Compare discovery in the configuration with what DNS says.'
        )
      ),
    ...remarks.map(remark => find('note', 'DNS', `${remark}.`, 'Nothing, if that is meant.'))
  ]
}

function troubleOf({ name, url, trouble, permissions }: MemberFacts): readonly Finding[] {
  if (!trouble) return []
  // Its rules deny the status: that is told as what it is.
  if (permissions.some(({ status }) => status === 403)) return []
  const isOurs = trouble.kind === 'own-fault'
  const message = isOurs
    ? `it was not asked, because this machine lacks something: ${trouble.text}.`
    : `${url} does not serve: ${trouble.text}.`
  return [find('error', name, message, remedies[trouble.kind] ?? usual)]
}

const usual = 'Look at the log of Puppet Server there, and whether it runs: systemctl status puppetserver.'
const network =
  'Look whether the machine runs, and whether a firewall or a route stands between: connect to the port from here.'
const tls = 'See what it shows: openssl s_client -connect HOST:PORT -showcerts.'

const clientCertificate =
  'Have ssl-ca-cert there name the certificate of upstream.tls.cert, or its CA (without the key: the Puppet CA), and ' +
  `look whether it is revoked there (ssl-crl-path). A CA needs both in ssl-ca-cert: ca.pem and the certificate of the balancer. ` +
  `It stands in ${serverFile('webserver.conf')}.`

const remedies: Partial<Record<CauseKind, string>> = {
  refused: `Start Puppet Server there, or correct the port in the URL. It listens where ${serverFile('webserver.conf')} says.`,
  unreachable: network,
  'connect-timeout': network,
  dns: 'Correct the name in the URL, or its entry in DNS or /etc/hosts; ask with: getent hosts NAME.',
  'handshake-timeout':
    'It may be overloaded or frozen: look at the load of that machine and the log of Puppet Server.',
  timeout: 'It may be overloaded or frozen: look at the load of that machine and the log of Puppet Server.',
  'tls-verify': tls,
  'tls-handshake': tls,
  'tls-client-certificate': clientCertificate,
  reset: `It may be about to stop, or refuse the certificate of the balancer. ${clientCertificate}`,
  closed: `It may be about to stop, or refuse the certificate of the balancer. ${clientCertificate}`,
  'not-tls': 'Write http:// in its URL, or have it speak TLS on this port.',
  'tls-wanted': 'Write https:// in its URL.',
  'status-4xx': 'Look whether this port is that of Puppet Server, and what health.path asks for.',
  'not-http': 'Look whether this port is that of Puppet Server.',
  body: 'Look whether this port is that of Puppet Server, and what health.path asks for.',
  'own-fault': 'See what this machine is out of: descriptors, ports, memory, or a name server.'
}
