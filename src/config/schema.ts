import { z } from 'zod'
import {
  affinities,
  logLevels,
  maxMasters,
  maxQueueLimit,
  maxWeight,
  policyNames,
  tlsProfiles,
  whenExpired
} from '../model/settings.ts'
import {
  autoOrWholeNumber,
  duration,
  filePath,
  filePaths,
  flag,
  group,
  mustBe,
  oneOf,
  socketPath,
  text,
  wholeNumber
} from './fields.ts'
import { origin } from './origin.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const reloadModes = ['watch', 'signal'] as const

const host = () =>
  text(/^[A-Za-z0-9.:_%-]+$/, 'an IP address or host name to listen on, IPv6 without brackets')

const limits = group({
  connections: wholeNumber(1, 1_000_000)
    .default(20_000)
    .describe(
      'Most connections at once. Above it the oldest idle one without a certificate is closed for a new one, and ' +
        'without such a one the new one is refused. File descriptors that the system does not grant lower it.'
    ),
  perAddress: wholeNumber(1, 1_000_000)
    .default(2000)
    .describe('The same for one IPv4 address, or one IPv6 network of 64 bits.'),
  perCertname: wholeNumber(1, 1_000_000)
    .default(50)
    .describe('Most connections at once with one certname; requests on further ones are refused.')
})

const listen = group({
  host: host().default('0.0.0.0').describe('Address to listen on. `::` listens on IPv6 and IPv4.'),
  port: wholeNumber(0, 65_535)
    .default(8140)
    .describe('Port agents connect to. 0 lets the system choose, which is for tests.'),
  workers: autoOrWholeNumber(0, 256)
    .default('auto')
    .describe(
      'Threads that serve requests and share the port. `auto` is one for each processor the system grants; ' +
        '0 serves from the main thread.'
    ),
  drainTimeout: duration(0, 24 * HOUR)
    .prefault('10m')
    .describe('After SIGTERM, how long running requests may take to end before they are cut.'),
  limits: limits.prefault({}).describe('What everybody who connects may take, over all workers.')
})

const tls = group({
  cert: filePaths('a PEM certificate').describe(
    'Certificate shown to agents, issued by the Puppet CA, with every name agents use as `server`. PEM, leaf first, ' +
      'then intermediates. A list holds one file for each key type (RSA beside ECDSA).'
  ),
  key: filePaths('a PEM private key').describe(
    'Private key of `cert`, PEM, not encrypted. With a list, one for each certificate in the same order.'
  ),
  ca: filePath('a PEM file of CA certificates').describe(
    'Certificates of the Puppet CA, PEM, root and intermediates: what an agent certificate must chain to.'
  ),
  profile: oneOf(tlsProfiles)
    .default('modern')
    .describe(
      'What agents may agree on. `modern`: TLS 1.3, and 1.2 with ECDHE and authenticated ciphers; enough for Puppet 4 ' +
        'and later. `legacy` is dangerous: TLS 1.0 and 1.1, CBC, RSA key exchange, SHA-1 and MD5 signatures and short ' +
        'keys as well, for hosts with an OpenSSL before 1.0.1.'
    ),
  crl: group({
    file: filePath('a file of revocation lists').describe(
      'Revocation lists of the Puppet CA, PEM or DER, all levels in one file. The full list (`ca_crl.pem`), not ' +
        '`infra_crl.pem`.'
    ),
    refresh: duration(SECOND, 24 * HOUR)
      .prefault('5m')
      .describe('How often the file is read again.'),
    expired: oneOf(whenExpired)
      .default('keep')
      .describe(
        'What becomes of agents when the list of their CA is past its next update: `keep` goes on by it, `refuse` ' +
          'refuses them.'
      )
  })
    .optional()
    .describe('Revoked certificates. Without it no certificate counts as revoked.')
}).describe('What the proxy shows to agents and how it recognises them.')

const master = group({
  name: text(/^[A-Za-z0-9._-]{1,64}$/, '1 to 64 letters, digits, dots, hyphens or underscores')
    .refine(name => name !== 'ca', {
      error: 'is "ca", which always means the CA master; must be another name'
    })
    .describe('Short name for logs, metrics and commands; unique. `ca` is taken by the CA master.'),
  url: origin().describe(
    'Scheme, host and port: `https://HOST:PORT`, or `http://HOST:PORT` on a private net.'
  ),
  weight: wholeNumber(0, maxWeight)
    .default(1)
    .describe(
      'Relative to the other masters of its priority: how fast each of its JRubies is for least-loaded, its share of ' +
        'the requests for the other policies. 0 takes no new runs.'
    ),
  priority: wholeNumber(0, 1000)
    .default(0)
    .describe('Tier. 0 goes first; the next one only when no master before it can serve.'),
  capacity: wholeNumber(1, 1000)
    .optional()
    .describe('JRubies it has: requests it runs at once. Default: what it says itself, else 4.')
})

const upstream = group({
  tls: group({
    ca: filePath('a PEM file of CA certificates')
      .optional()
      .describe('CA certificates the certificates of masters must chain to, PEM. Default: `tls.ca`.'),
    cert: filePath('a PEM certificate')
      .optional()
      .describe('Certificate the proxy shows to masters, PEM. Default: none.'),
    key: filePath('a PEM private key').optional().describe('Private key of `cert`, PEM, not encrypted.'),
    serverName: text(/^[A-Za-z0-9._-]+$/, 'a host name')
      .optional()
      .describe("Name expected in every master's certificate and sent as SNI. Default: the host of its URL."),
    dangerouslySkipVerification: flag()
      .default(false)
      .describe(
        'Accept any certificate from masters. Whoever can redirect traffic can then pose as a master.'
      )
  })
    .prefault({})
    .describe('TLS between the proxy and masters with an https URL.'),
  connectTimeout: duration(10, 5 * MINUTE)
    .prefault('5s')
    .describe('Longest time to connect to a master, TLS included; after it the next master is tried.'),
  responseTimeout: duration(10, 24 * HOUR)
    .prefault('10m')
    .describe(
      'Longest time from the end of the request to the begin of the answer. Catalogs may take minutes.'
    ),
  headerLimit: wholeNumber(4096, 65_536)
    .default(8192)
    .describe(
      'Bytes of request line and headers that a master takes, the identity included: `request-header-max-size` of ' +
        'Puppet Server. What is larger is refused here with 431.'
    )
})

const health = group({
  path: text(/^\/[^\s#]*$/, 'a path that begins with /')
    .default('/status/v1/simple')
    .describe(
      'Path asked of every master. `/status/v1/simple` and paths below it must answer `running`, any other path 2xx.'
    ),
  interval: duration(100, HOUR).prefault('5s').describe('Time between two probes of one master.'),
  timeout: duration(10, HOUR)
    .prefault('3s')
    .describe('Longest time a probe may take; not longer than `interval`.'),
  rise: wholeNumber(1, 100).default(2).describe('Good probes in a row that bring a master back.'),
  fall: wholeNumber(1, 100).default(3).describe('Bad probes in a row that take a master out.')
})

const queue = group({
  limit: wholeNumber(0, maxQueueLimit)
    .default(4000)
    .describe('Most requests that may wait for a JRuby; one more is sent away.'),
  timeout: duration(SECOND, HOUR)
    .prefault('5m')
    .describe(
      'Longest time a request may wait for a JRuby when its agent, sent away, comes back by itself: Puppet 5.3.1 to ' +
        '6.13, 7.26 and later of 7, 8.2 and later, with its node or catalog. Others wait until they hang up, at most one hour.'
    ),
  shedAbove: duration(SECOND, HOUR)
    .prefault('2m')
    .describe(
      'When the queue would take longer than this to be served, agents that understand it are told at the begin of ' +
        'their run, or of their catalog, when to come back. Others wait.'
    )
})

/** What Puppet allows in a certname: printable ASCII but the slash. */
const certname = text(/^[ -.0-~]+$/, 'a certname, without slash')
const certnames = () => z.array(certname, { error: mustBe('a list of certnames') }).optional()

const access = group({
  administrators: certnames().describe(
    'Certnames that may call the administrative endpoints of Puppet Server through the proxy; everybody else is refused.'
  )
})

const token = z
  .strictObject(
    {
      file: filePath('a file that holds the token').describe(
        'File that holds the token: 16 to 1024 printable ASCII characters. PUPPET_LB_ADMIN_TOKEN, the token itself, wins.'
      )
    },
    // A token written here by mistake is not repeated.
    { error: 'must be a group of the key file: the token itself belongs into a file' }
  )
  .optional()
  .describe('Secret for whatever the admin listener does not let everybody do. Default: none.')

const admin = group({
  host: host()
    .default('127.0.0.1')
    .describe('Address of the admin listener: metrics, health, status, API. Off loopback it wants a token.'),
  port: wholeNumber(0, 65_535)
    .default(9140)
    .describe('Port of the admin listener. 0 lets the system choose.'),
  hosts: z
    .array(text(/^[A-Za-z0-9._-]{1,253}$/, 'a host name'), { error: mustBe('a list of host names') })
    .default([])
    .describe(
      'Names under which the admin listener may be addressed, besides IP addresses, localhost and the name of the machine.'
    ),
  token,
  metricsToken: flag().default(false).describe('Whether `/metrics` wants the token as well.'),
  socket: socketPath()
    .optional()
    .describe('Unix socket on which its owner may do everything without a token. Default: none.'),
  allow: certnames()
    .describe('Old name of `access.administrators`, taken for one release.')
    .meta({ deprecated: true })
})

const log = group({
  level: oneOf(logLevels).default('info').describe('Least important level that is logged.'),
  access: flag().default(true).describe('Whether each request has a line, which is of level info.'),
  file: filePath('a file to log to')
    .optional()
    .describe(
      'File to log to, made if need be and opened anew by every reload, SIGHUP for one. Default: standard output.'
    )
})

/** Every key a configuration file may hold, with its default, bounds and description. There is no other list. */
export const schema = group({
  listen: listen.prefault({}).describe('Where agents connect.'),
  tls,
  ca: group({
    url: origin().describe('Scheme, host and port of the master that is the CA; no compile master.')
  }).describe(
    'The one master that signs certificates. Every certificate request goes there and nowhere else.'
  ),
  masters: z
    .array(master, { error: mustBe('a list of at least one master') })
    .min(1, { error: mustBe('a list of at least one master') })
    .max(maxMasters, { error: mustBe(`a list of at most ${maxMasters} masters`) })
    .describe('The compile masters.'),
  upstream: upstream.prefault({}).describe('How the proxy talks to masters.'),
  health: health.prefault({}).describe('How the proxy finds out which masters can serve.'),
  balance: group({
    policy: oneOf(policyNames)
      .default('least-loaded')
      .describe(
        '`least-loaded`: fewest open requests for each of its JRubies and its weight. `round-robin`: in turn, by weight. ' +
          '`rendezvous`: the same certname prefers the same master.'
      ),
    affinity: oneOf(affinities)
      .optional()
      .describe(
        'What of a run stays on one master. `phase`: pluginsync; then the catalog with its files. `run`: everything. ' +
          '`none`: nothing. Default: `phase` with least-loaded, `none` with a policy that has its own idea.'
      )
  })
    .prefault({})
    .describe('Which of the masters that can serve gets a request.'),
  queue: queue.prefault({}).describe('Requests that wait for a JRuby wait here, not in the masters.'),
  access: access.prefault({}).describe('What agents may do.'),
  reload: oneOf(reloadModes)
    .default('watch')
    .describe(
      '`watch`: this file and all it names are read again when they change. `signal`: only when asked to, with SIGHUP ' +
        'or `puppet-lb reload`.'
    ),
  admin: admin.prefault({}).describe('The listener for operators. A change needs a restart.'),
  log: log.prefault({}).describe('The log, JSON lines.')
}).meta({ title: 'puppet-lb.yaml', description: 'Configuration of puppet-lb.' })

/** A valid configuration file: defaults filled in, durations in milliseconds, files not yet read. */
export type FileSettings = z.output<typeof schema>
