import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generation, packaged } from './debian.ts'
import { type MasterLayout, operatorName, scratch } from './layout.ts'

const PACKAGED = packaged('/etc/puppet/puppetserver')
const LEGACY_ROUTES = 'puppetlabs.services.legacy-routes.legacy-routes-service/legacy-routes-service'
const CA = 'puppetlabs.services.ca.certificate-authority-service/certificate-authority-service'
const NO_CA =
  'puppetlabs.services.ca.certificate-authority-disabled-service/certificate-authority-disabled-service'
const WATCHER = 'puppetlabs.trapperkeeper.services.watcher.filesystem-watch-service/filesystem-watch-service'
/** Certificates are renewed from 8 on, if the CA is told so. */
const RENEWAL = generation === 7 ? '' : ', allow-auto-renewal: true, auto-renewal-cert-ttl: 60d'

/** Where a master keeps everything it has. */
export const masterDir = ({ name }: MasterLayout): string => scratch('masters', name)

/** Writes a master's whole configuration: the packaged files where they fit, its own where paths or addresses differ. */
export function writeMasterConfig(master: MasterLayout): void {
  const dir = masterDir(master)
  for (const sub of ['conf.d', 'services.d', 'puppet', 'var', 'run', 'log', 'tmp']) {
    mkdirSync(join(dir, sub), { recursive: true })
  }
  for (const file of ['conf.d/web-routes.conf', 'conf.d/metrics.conf'])
    cpSync(join(PACKAGED, file), join(dir, file))
  const files: Record<string, string> = {
    'conf.d/auth.conf': trustHeaders(
      readFileSync(join(PACKAGED, 'conf.d/auth.conf'), 'utf8'),
      master.trustsHeaders ?? true
    ),
    'conf.d/ca.conf': `certificate-authority: { allow-subject-alt-names: true${RENEWAL} }\n`,
    'conf.d/global.conf': `global: { logging-config: "${dir}/logback.xml" }\n`,
    'conf.d/puppetserver.conf': jrubyPuppet(dir, master.jrubies),
    'conf.d/webserver.conf': webserver(dir, master),
    'services.d/bootstrap.cfg': `${readFileSync(join(PACKAGED, 'services.d/bootstrap.cfg'), 'utf8')}${LEGACY_ROUTES}\n`,
    'services.d/ca.cfg': `${master.isCa ? CA : NO_CA}\n${WATCHER}\n`,
    'logback.xml': appender('ConsoleAppender', '', '%d %-5p [%c{2}] %m%n', 'root level="info"', 'root'),
    'request-logging.xml': accessLog(join(dir, 'log/access.log')),
    'puppet/puppet.conf': puppetConf(dir, master)
  }
  for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text)
}

/**
 * The one line a master needs to believe the balancer about who the agent is, and a rule that lets an operator
 * flush caches, which no packaged rule allows anybody.
 */
function trustHeaders(authConf: string, isTrusted: boolean): string {
  const opening = /^authorization: \{\n( *version: 1\n *rules: \[\n)/m
  if (!opening.test(authConf)) throw new Error(`${PACKAGED}/conf.d/auth.conf does not open as expected`)
  return authConf.replace(
    opening,
    `authorization: {\n    allow-header-cert-info: ${isTrusted}\n$1${FLUSH_RULE}`
  )
}

const FLUSH_RULE = `        {
            match-request: { path: "/puppet-admin-api/v1/environment-cache", type: path, method: delete }
            allow: "${operatorName}"
            sort-order: 200
            name: "operator flushes environments"
        },
`

const jrubyPuppet = (dir: string, jrubies: number): string => `jruby-puppet: {
  ruby-load-path: [/usr/lib/puppetserver/ruby/vendor_ruby]
  gem-home: "${dir}/var/jruby-gems"
  gem-path: [\${jruby-puppet.gem-home}, "/usr/lib/puppetserver/vendored-jruby-gems"]
  server-conf-dir: "${dir}/puppet"
  server-code-dir: "${scratch('code')}"
  server-var-dir: "${dir}/var"
  server-run-dir: "${dir}/run"
  server-log-dir: "${dir}/log"
  max-active-instances: ${jrubies}
}
`

const webserver = (dir: string, { tls, host, port }: MasterLayout): string => `webserver: {
  access-log-config: "${dir}/request-logging.xml"
  ${tls ? 'client-auth: want' : ''}
  ${tls ? 'ssl-host' : 'host'}: ${host}
  ${tls ? 'ssl-port' : 'port'}: ${port}
}
`

/** One line a request: status, request line, the user the master took it for. */
const accessLog = (file: string): string =>
  appender('FileAppender', `<file>${file}</file>`, '%s "%r" %u', '', '')

function appender(kind: string, inner: string, pattern: string, wrap: string, close: string): string {
  const ref = '<appender-ref ref="LOG"/>'
  return `<configuration>
  <appender name="LOG" class="ch.qos.logback.core.${kind}">${inner}<encoder><pattern>${pattern}</pattern></encoder></appender>
  ${wrap === '' ? ref : `<${wrap}>${ref}</${close}>`}
</configuration>
`
}

const puppetConf = (dir: string, { name }: MasterLayout): string => `[main]
certname = ${name}
keylength = 2048
ssldir = ${dir}/ssl
cadir = ${dir}/authority
vardir = ${dir}/var
[server]
autosign = true
reports = store
`
