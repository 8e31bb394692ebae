import { z } from 'zod'
import { defaultPool, maxPools } from '../model/pool.ts'
import { maxQueueLimit, maxWeight, resolveRules } from '../model/settings.ts'
import { duration, filePath, flag, group, mustBe, oneOf, text, wholeNumber } from './fields.ts'
import { origin } from './origin.ts'
import { poolName } from './schema-routes.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** The keys of each of `masters`. */
export const master = group({
  name: text(/^[A-Za-z0-9._-]{1,64}$/, '1 to 64 letters, digits, dots, hyphens or underscores')
    .refine(name => name !== 'ca', {
      error: 'is "ca", which always means the CA master; must be another name'
    })
    .describe('Short name for logs, metrics and commands; unique. `ca` is taken by the CA master.'),
  url: origin().describe(
    'Scheme, host and port: `https://HOST:PORT`, or `http://HOST:PORT` on a private net. Without a port it is 443 or 80; Puppet Server listens on 8140.'
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
    .describe('JRubies it has: requests it runs at once. Default: what it says itself, else 4.'),
  pools: z
    .array(poolName(), { error: mustBe('a list of pools') })
    .min(1, { error: mustBe('a list of at least one pool') })
    .default([defaultPool])
    .describe(
      `Pools it is in, which \`routes\` lead to; at most ${maxPools} in all. \`default\` gets what no route takes.`
    ),
  resolve: oneOf(resolveRules)
    .default('one')
    .describe(
      '`one`: the addresses of its name are ways to one master. `all`: each of them is a master, `NAME/ADDRESS`.'
    )
})

/** The keys of `upstream`. */
export const upstream = group({
  tls: group({
    ca: filePath('a PEM file of CA certificates')
      .optional()
      .describe('CA certificates the certificates of masters must chain to, PEM. Default: `tls.ca`.'),
    cert: filePath('a PEM certificate')
      .optional()
      .describe('Certificate the proxy shows to masters and to the CA, PEM. Default: none.'),
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
    .describe(
      'Longest time to connect to a master, TLS included, at whichever of its addresses answers first; after it the next master is tried.'
    ),
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

/** The keys of `health`. */
export const health = group({
  path: text(/^\/[^\s#]*$/, 'a path that begins with /')
    .default('/status/v1/simple')
    .describe(
      'Path asked of every master. `/status/v1/simple` and paths below it must answer `running`, any other path 2xx.'
    ),
  interval: duration(100, HOUR)
    .prefault('5s')
    .describe('Time between two probes of one master, give or take a tenth.'),
  timeout: duration(10, HOUR)
    .prefault('3s')
    .describe('Longest time a probe may take; not longer than `interval`.'),
  rise: wholeNumber(1, 100)
    .default(2)
    .describe('Good probes in a row that bring a master back. The very first probe decides alone.'),
  fall: wholeNumber(1, 100).default(3).describe('Bad probes in a row that take a master out.')
})

/** The keys of `queue`. */
export const queue = group({
  limit: wholeNumber(0, maxQueueLimit)
    .default(4000)
    .describe(
      'Most requests that may wait for the masters of one pool, for a JRuby or until they are back; one more is sent ' +
        'away. All pools together have 10000 places, and each an equal share of them at most.'
    ),
  timeout: duration(SECOND, HOUR)
    .prefault('5m')
    .describe(
      'Longest time a request may wait for a JRuby when its agent, sent away, comes back by itself: Puppet 5.3.1 to ' +
        '6.13, 7.26 and later of 7, 8.2 and later, with its node or catalog. Others wait for nine tenths of the silence ' +
        'that their agent bears: 108 s before Puppet 4, an hour in 4 and 5, 9 minutes from 6 on.'
    ),
  shedAbove: duration(SECOND, HOUR)
    .prefault('2m')
    .describe(
      'When the queue would take longer than this to be served, agents that understand it are told at the begin of ' +
        'their run, or of their catalog, when to come back. Others wait.'
    )
})

/** What Puppet allows in a certname: printable ASCII but the slash. */
