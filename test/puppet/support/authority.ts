import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { copiedFiles, transplanted } from '../../support/recipes.ts'
import { mustRun } from './background.ts'
import { inDebian } from './debian.ts'
import { caMaster, operatorName, ports, proxyHost, proxyName, scratch, sslOf } from './layout.ts'
import { masterDir, placesOf } from './master-config.ts'
import { runRecipe } from './recipe-shell.ts'

/** Makes the CA (root and intermediate), the CA master's own certificate and an operator's. `--force`: nothing runs yet. */
export async function setUpAuthority(): Promise<void> {
  const names = `DNS:localhost,IP:${caMaster.host}`
  await caCommand('setup', '--certname', caMaster.name, '--subject-alt-names', names)
  await caCommand('generate', '--ca-client', '--force', '--certname', operatorName)
}

/**
 * The balancer's certificate, as DEPLOY.md says: made on the CA master while that runs, and copied from there. Since
 * this CA signs by itself, nobody has to be believed for it.
 */
export async function issueProxyCertificate(): Promise<void> {
  const places = { 'puppet.example.com': proxyName, ',puppet\n': `,${proxyHost}\n` }
  await runRecipe('certificate', {
    cwd: scratch(),
    places,
    commands: { puppetserver: inDebian('puppetserver', []) },
    last: ['--config', join(masterDir(caMaster), 'puppet/puppet.conf')]
  })
  for (const [from, to] of copiedFiles) {
    const here = { ...placesOf(caMaster), 'puppet.example.com': proxyName }
    copyFileSync(transplanted(from, here), scratch('proxy', transplanted(to, here)))
  }
}

/** `puppetserver ca …` on the CA master itself. What asks the CA works only while that believes no headers. */
export const caCommand = (...args: readonly string[]): Promise<string> =>
  mustRun({
    ...inDebian('puppetserver', ['ca', ...args, '--config', join(masterDir(caMaster), 'puppet/puppet.conf')]),
    cwd: scratch(),
    logFile: scratch('logs/puppetserver-ca.log')
  })

/**
 * `puppetserver ca …` on the operator's workstation, which knows one server, the balancer. On the CA master
 * itself it would no longer work: with `allow-header-cert-info` its own certificate counts for nothing there.
 */
export async function operatorCommand(...args: readonly string[]): Promise<string> {
  const directory = scratch('operator')
  const config = join(directory, 'puppet.conf')
  const ssldir = join(masterDir(caMaster), 'ssl')
  const logFile = join(directory, `${args[0]}.log`)
  mkdirSync(directory, { recursive: true })
  writeFileSync(
    config,
    `[main]\ncertname = ${operatorName}\nssldir = ${ssldir}\nserver = ${proxyHost}\nserverport = ${ports.proxy}\n`
  )
  return mustRun({
    ...inDebian('puppetserver', ['ca', ...args, '--config', config]),
    cwd: scratch(),
    logFile
  })
}

/** A host that gets its certificate straight from the CA master, as an operator would enrol it. */
export interface Enrolment {
  readonly certname: string
  /** The certificate ends up in `ssl/` below it, see `sslOf`. */
  readonly directory: string
  /** Names and addresses beside the certname: `DNS:…`, `IP:…`. */
  readonly altNames: readonly string[]
}

/**
 * Key, request, signing by the CA's `autosign`, certificate, CA bundle. In two commands, because the one
 * (`puppet ssl bootstrap`) stalls for 30 s against a Puppet Server on TLS 1.3: Java sends its session ticket
 * after the first answer, Ruby takes a readable connection for a closed one and waits for its end.
 */
export async function enrol({ certname, directory, altNames }: Enrolment): Promise<void> {
  const settings = {
    confdir: join(directory, 'enrol'),
    vardir: join(directory, 'enrol/var'),
    ssldir: join(directory, 'ssl'),
    certname,
    dns_alt_names: altNames.join(','),
    keylength: '2048',
    server: caMaster.host,
    serverport: String(caMaster.port)
  }
  const options = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const logFile = scratch('logs', `enrol-${certname}.log`)
  for (const step of ['submit_request', 'download_cert']) {
    await mustRun({ ...inDebian('puppet', ['ssl', step, ...options]), cwd: scratch(), logFile })
  }
}

/** The operator's certificate: the CA's `auth.conf` lets its extension `pp_cli_auth` administer. */
export const operator = () => sslOf(masterDir(caMaster), operatorName)
