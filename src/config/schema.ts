import { z } from 'zod'
import { maxRoutes } from '../model/route.ts'
import { affinities, anonymousRules, logLevels, maxMasters, policyNames } from '../model/settings.ts'
import { filePath, flag, group, host, mustBe, oneOf, socketPath, text, wholeNumber } from './fields.ts'
import { origin } from './origin.ts'

import { listen, tls } from './schema-agents.ts'
import { discovery } from './schema-discovery.ts'
import { enroll } from './schema-enroll.ts'
import { health, master, queue, upstream } from './schema-masters.ts'
import { route } from './schema-routes.ts'

const reloadModes = ['watch', 'signal'] as const

const certname = text(/^[ -.0-~]+$/, 'a certname, without slash')
const certnames = () => z.array(certname, { error: mustBe('a list of certnames') }).optional()

const access = group({
  administrators: certnames().describe(
    'Certnames, each written out, that may call the administrative endpoints of Puppet Server through the proxy; ' +
      'everybody else is refused. They may have more than 4 JRubies at once and 16 requests that wait, which is all for any other certname.'
  ),
  withoutCertificate: oneOf(anonymousRules)
    .default('refuse')
    .describe(
      '`refuse`: without a client certificate only the CA, `/status` and `/packages` can be asked. `forward`: masters ' +
        'may be asked as well; all such clients together get one JRuby at most, and only when nobody else waits for it.'
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
  enroll: enroll
    .optional()
    .describe(
      'How the proxy gets its own certificate from the Puppet CA, and renews it. Default: somebody puts one there.'
    ),
  ca: group({
    url: origin()
      .optional()
      .describe('Scheme, host and port of the master that is the CA; it may be one of `masters` as well.'),
    cache: flag()
      .default(true)
      .describe(
        'Whether its certificates and its revocation lists, which agents without a certificate ask for, are kept as ' +
          'it gave them last: while it is away they are answered from there. With `state.directory` over a restart.'
      )
  })
    .prefault({})
    .describe(
      'The one master that signs certificates. Every certificate request goes there and nowhere else. With ' +
        '`discovery.srv` it may be left out: then SRV records name it.'
    ),
  masters: z
    .array(master, { error: mustBe('a list of masters') })
    .max(maxMasters, {
      error: ({ input }) =>
        `is a list of ${(input as unknown[]).length} masters, must be a list of at most ${maxMasters}`
    })
    .default([])
    .describe(
      'The compile masters, 128 at most with those that DNS names: at least one, unless `discovery.srv` finds them. With `enroll`, and neither of the two, the CA is the one master.'
    ),
  routes: z
    .array(route, { error: mustBe('a list of routes') })
    .max(maxRoutes, { error: mustBe(`a list of at most ${maxRoutes} routes`) })
    .default([])
    .describe(
      'Which requests go to which pool of masters: the first that matches decides. The keys of one must all match, of ' +
        'a list one value. What none takes goes to the pool `default`; requests for the CA are never routed.'
    ),
  discovery: discovery.prefault({}).describe('Masters that DNS names, and how often DNS is asked.'),
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
  state: group({
    directory: filePath('a directory')
      .optional()
      .describe(
        'Directory in which what operators said of masters (drain, maint, weight), the copies of `ca.cache`, and what ' +
          '`tls.crl.directory` is for are kept over a restart; made if need be. Default: ' +
          '`enroll.dir`; without `enroll` none, and a restart forgets it.'
      )
  })
    .prefault({})
    .describe('What is kept over a restart.'),
  reload: oneOf(reloadModes)
    .default('watch')
    .describe(
      '`watch`: this file and all it names are read again when they change. `signal`: only when asked to, with SIGHUP ' +
        'or `puppet-lb reload`, and when `enroll` has renewed the certificate.'
    ),
  admin: admin.prefault({}).describe('The listener for operators. A change needs a restart.'),
  log: log.prefault({}).describe('The log, JSON lines.')
}).meta({ title: 'puppet-lb.yaml', description: 'Configuration of puppet-lb.' })

/** A valid configuration file: defaults filled in, durations in milliseconds, files not yet read. */
export type FileSettings = z.output<typeof schema>
