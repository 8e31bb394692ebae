import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type RecipeName, recipe, transplanted } from '../../support/recipes.ts'
import { packaged } from './debian.ts'
import { type MasterLayout, operatorName, proxyName, scratch } from './layout.ts'

const PACKAGED = packaged('/etc/puppet/puppetserver')
const LEGACY_ROUTES = 'puppetlabs.services.legacy-routes.legacy-routes-service/legacy-routes-service'
const CA = 'puppetlabs.services.ca.certificate-authority-service/certificate-authority-service'
const NO_CA =
  'puppetlabs.services.ca.certificate-authority-disabled-service/certificate-authority-disabled-service'
const WATCHER = 'puppetlabs.trapperkeeper.services.watcher.filesystem-watch-service/filesystem-watch-service'

/** Where a master keeps everything it has. */
export const masterDir = ({ name }: MasterLayout): string => scratch('masters', name)

/**
 * The README's directories, names and ports, and what they are for a master here. Debian's Puppet Server keeps in three
 * places what it has in one here.
 */
export const placesOf = (master: MasterLayout): Readonly<Record<string, string>> => {
  const dir = masterDir(master)
  return {
    '/etc/puppet/puppetserver/ca/': `${dir}/authority/`,
    '/etc/puppet/puppetserver': dir,
    '/var/lib/puppet/ssl': `${dir}/ssl`,
    'puppetca.example.com': master.name,
    'master-1.example.com': master.name,
    '192.0.2.22': master.host,
    '0.0.0.0': master.host,
    '8140': String(master.port)
  }
}

/** Writes a master's whole configuration: the packaged files with DEPLOY.md's changes, its own where paths differ. */
export function writeMasterConfig(master: MasterLayout): void {
  const dir = masterDir(master)
  for (const sub of ['conf.d', 'services.d', 'puppet', 'var', 'run', 'log', 'tmp']) {
    mkdirSync(join(dir, sub), { recursive: true })
  }
  for (const file of ['conf.d/web-routes.conf', 'conf.d/metrics.conf'])
    cpSync(join(PACKAGED, file), join(dir, file))
  const files: Record<string, string> = {
    'conf.d/auth.conf': authConf(master),
    'conf.d/ca.conf': caConf(),
    'conf.d/global.conf': `global: { logging-config: "${dir}/logback.xml" }\n`,
    'conf.d/puppetserver.conf': jrubyPuppet(dir, master.jrubies),
    'conf.d/webserver.conf': recipe(webserverRecipe(master), placesOf(master)),
    'services.d/bootstrap.cfg': `${readFileSync(join(PACKAGED, 'services.d/bootstrap.cfg'), 'utf8')}${LEGACY_ROUTES}\n`,
    'services.d/ca.cfg': `${master.isCa ? CA : NO_CA}\n${WATCHER}\n`,
    'logback.xml': appender('ConsoleAppender', '', '%d %-5p [%c{2}] %m%n', 'root level="info"', 'root'),
    'request-logging.xml': accessLog(join(dir, 'log/access.log')),
    'puppet/puppet.conf': puppetConf(dir, master),
    // What is outside this domain waits for an operator.
    'puppet/autosign.conf': '*.example.test\n'
  }
  for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text)
}

/**
 * The one line a master needs to believe the balancer about who the agent is, and a rule that lets it and an operator
 * flush caches, which no packaged rule allows anybody.
 */
function authConf({ trustsHeaders = true }: MasterLayout): string {
  const rules = transplanted(recipe('flush'), {
    'operator.example.com': operatorName,
    'puppet.example.com': proxyName
  })
  const withRule = opened('conf.d/auth.conf', /^ *rules: \[\n/m, rules)
  return trustsHeaders ? openedText(withRule, /^authorization: \{\n/m, recipe('auth.conf')) : withRule
}

/** Certificates are renewed from 8 on, if the CA is told so. */
const caConf = (): string =>
  opened('conf.d/ca.conf', /^certificate-authority: \{\n/m, recipe('ca.conf')).replace(
    'allow-auto-renewal: false',
    'allow-auto-renewal: true'
  )

/** A packaged file with something first in one of its groups, as DEPLOY.md has it put there. */
const opened = (file: string, opening: RegExp, first: string): string =>
  openedText(readFileSync(join(PACKAGED, file), 'utf8'), opening, first)

function openedText(text: string, opening: RegExp, first: string): string {
  const [found] = opening.exec(text) ?? []
  if (found === undefined) throw new Error(`a packaged file has no ${opening}`)
  return text.replace(found, () => `${found}${first}`)
}

/** Who looks at certificates itself must let the balancer in beside those of the Puppet CA. */
function webserverRecipe({ tls, isCa, trustsHeaders = true }: MasterLayout): RecipeName {
  if (!tls) return 'webserver.conf, plain'
  return isCa || !trustsHeaders ? 'webserver.conf, CA' : 'webserver.conf, TLS'
}

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

/** Keys are short, since each costs seconds otherwise. */
const puppetConf = (dir: string, { name, host, port, isCa }: MasterLayout): string => `[main]
certname = ${name}
keylength = 2048
${isCa ? `server = ${host}\nserverport = ${port}\n` : ''}ssldir = ${dir}/ssl
cadir = ${dir}/authority
vardir = ${dir}/var
[server]
autosign = ${dir}/puppet/autosign.conf
reports = store
`
