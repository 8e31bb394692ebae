import { z } from 'zod'
import { tlsProfiles, whenExpired } from '../model/settings.ts'
import {
  autoOrWholeNumber,
  duration,
  filePath,
  filePaths,
  flag,
  group,
  host,
  mustBe,
  network,
  oneOf,
  size,
  wholeNumber
} from './fields.ts'
import { poolName } from './schema-routes.ts'

const SECOND = 1000
const HOUR = 3600 * SECOND
const MIB = 1024 ** 2
/** Each worker listens on each of them. */
const MOST_TCP = 8

const limits = group({
  connections: wholeNumber(1, 1_000_000)
    .default(20_000)
    .describe(
      'Most connections at once. Above it the oldest one without a certificate that is idle, or whose request takes ' +
        'more than a second, is closed for a new one, and without such a one the new one is refused. File descriptors that the system does not grant lower it.'
    ),
  perAddress: wholeNumber(1, 1_000_000)
    .default(2000)
    .describe('The same for one IPv4 address, or one IPv6 network of 64 bits.'),
  perCertname: wholeNumber(1, 1_000_000)
    .default(50)
    .describe('Most connections at once with one certname; requests on further ones are refused.'),
  memory: size(16 * MIB, 64 * 1024 * MIB)
    .prefault('256MiB')
    .describe(
      'Bytes of request bodies that may be in memory, over all workers. When they are taken, further bodies stay with ' +
        'their agents until some are free; those agents wait in the queue.'
    )
})

/** The keys of `listen`. */
export const listen = group({
  host: host()
    .optional()
    .describe(
      'Address to listen on; `::` is IPv6 and IPv4. Default: `::` where the system has IPv6, else `0.0.0.0`.'
    ),
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
  drainDelay: duration(0, HOUR)
    .prefault('0s')
    .describe(
      'After SIGTERM, how long `/readyz` says that it stops while connections are still accepted: until whoever ' +
        'distributes agents has seen that. A process that another one takes over from does not wait.'
    ),
  tcp: z
    .array(
      group({
        port: wholeNumber(0, 65_535).describe(
          'Port agents connect to; another one than those of the others. A change needs a restart.'
        ),
        pool: poolName().describe(
          'Pool whose masters get the connections, fewest first. They must be in no pool that gets HTTP.'
        ),
        proxyProtocol: oneOf(['v2'])
          .optional()
          .describe('`v2`: masters are told who connects, by the PROXY protocol. Default: they are not.')
      }),
      { error: mustBe('a list of listeners') }
    )
    .max(MOST_TCP, { error: mustBe(`a list of at most ${MOST_TCP} listeners`) })
    .default([])
    .describe(
      'Listeners that pass TLS on to masters as it is. A change of a port needs a restart, of the rest none.'
    ),
  proxyProtocol: group({
    from: z
      .array(network(), { error: mustBe('a list of networks') })
      .min(1, { error: mustBe('a list of at least one network') })
      .describe(
        'Networks, such as 10.0.0.0/8 or 2001:db8::/32, or addresses, of the balancers in front. From there every ' +
          'connection must begin with a header, which is believed; from elsewhere none may.'
      )
  })
    .optional()
    .describe(
      'The PROXY protocol, version 1 or 2, of balancers in front: it tells the address of the agent. Default: none.'
    ),
  limits: limits.prefault({}).describe('What clients may take, over all workers.')
})

/** The keys of `tls`. */
export const tls = group({
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
    file: filePath('a file of revocation lists')
      .optional()
      .describe(
        'Revocation lists of the Puppet CA, PEM or DER, all levels in one file. The full list (`ca_crl.pem`), not ' +
          '`infra_crl.pem`. Default: none, which wants `fetch`.'
      ),
    fetch: flag()
      .default(false)
      .describe(
        'Whether the CA of `ca.url` is asked for its lists, every `refresh`. Until the first one is there, agents are ' +
          'refused. Beside `file` the newer list of each CA counts.'
      ),
    directory: filePath('a directory')
      .optional()
      .describe(
        'Directory in which fetched lists, and the numbers of those of `file`, are kept over a restart; made if need ' +
          'be. Default: `state.directory`, and without that they are not kept.'
      ),
    refresh: duration(SECOND, 24 * HOUR)
      .prefault('1m')
      .describe('How often the file is read again, and the CA asked.'),
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
