import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemRuntime } from '../../../src/model/runtime.ts'
import { generateKeyPair } from '../../../src/pki/key-pair.ts'
import { bootstrapAgent as simulateBootstrap } from '../../../src/simulation/agent-bootstrap.ts'
import type { Answer } from './ask.ts'
import { mustRun, type Run, run } from './background.ts'
import { inDebian } from './debian.ts'
import { ports, proxyHost, scratch, sslOf } from './layout.ts'
import { askProxy } from './proxy.ts'

/** What a machine has before Puppet comes to it. */
export interface NewAgent {
  readonly certname: string
  /** Ends up in the certificate as extension `pp_role`, by `csr_attributes.yaml`. */
  readonly role?: string
  /** The same as `pp_datacenter`. */
  readonly datacenter?: string
  /** Bits of its RSA key; Puppet's own default is 4096. */
  readonly keyLength?: number
  /** Further lines of `puppet.conf`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A real Puppet agent in its own directory; it knows one server, the balancer. */
export interface Agent {
  readonly certname: string
  /** Where the module puts its files. */
  readonly root: string
  readonly ssl: ReturnType<typeof sslOf>
}

/** Writes an agent's configuration; it has no key and no certificate yet. */
export function createAgent({
  certname,
  role,
  datacenter,
  keyLength = 2048,
  settings = {}
}: NewAgent): Agent {
  const directory = scratch('agents', certname)
  mkdirSync(directory, { recursive: true })
  const lines = {
    certname,
    server: proxyHost,
    serverport: String(ports.proxy),
    vardir: `${directory}/var`,
    ssldir: `${directory}/ssl`,
    rundir: `${directory}/run`,
    logdir: `${directory}/log`,
    publicdir: `${directory}/public`,
    keylength: String(keyLength),
    usecacheonfailure: 'false', // a run served from yesterday's catalog would hide a failure
    ...settings
  }
  const conf = Object.entries(lines).map(([key, value]) => `${key} = ${value}\n`)
  writeFileSync(join(directory, 'puppet.conf'), `[main]\n${conf.join('')}`)
  const requests = Object.entries({ pp_role: role, pp_datacenter: datacenter }).flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${name}: ${value}\n`]
  )
  if (requests.length > 0) {
    writeFileSync(join(directory, 'csr_attributes.yaml'), `extension_requests:\n${requests.join('')}`)
  }
  return { certname, root: join(directory, 'managed'), ssl: sslOf(directory, certname) }
}

/** `puppet agent --test`: status 0 when there was nothing to do, 2 when something changed, else a failure. The catalog takes `pauseSeconds` longer to compile. */
export const runAgent = (agent: Agent, pauseSeconds = 0): Promise<Run> =>
  puppet(agent, ['agent', '--test', '--waitforcert', '0'], pauseSeconds)

/** The same as a service runs it: `--test` would let no run end with the cached catalog, whatever its settings say. */
export const runAsService = (agent: Agent, pauseSeconds = 0): Promise<Run> =>
  puppet(
    agent,
    ['agent', '--onetime', '--no-daemonize', '--verbose', '--detailed-exitcodes', '--waitforcert', '0'],
    pauseSeconds
  )

/** Gets an agent its certificate and nothing else. */
export const bootstrapAgent = (agent: Agent): Promise<Run> =>
  puppet(agent, ['ssl', 'bootstrap', '--waitforcert', '0'], 0)

/** Version of the agents, as `puppet --version` prints it. */
export const agentVersion = async (): Promise<string> => {
  const args = ['--version', '--confdir', scratch('agents')]
  return mustRun({ ...inDebian('puppet', args), cwd: scratch(), logFile: scratch('logs/version.log') })
}

function puppet({ certname, root }: Agent, args: readonly string[], pauseSeconds: number): Promise<Run> {
  return run({
    ...inDebian('puppet', [...args, '--confdir', scratch('agents', certname), '--color', 'false']),
    cwd: scratch(),
    env: {
      FACTER_probe_root: root,
      // A run without it takes half as much processor time again.
      ...(args[0] === 'agent' ? { RUBYOPT: `-r${scratch('facter/few-facts.rb')}` } : {}),
      ...(pauseSeconds > 0 ? { FACTER_probe_pause: String(pauseSeconds) } : {})
    },
    logFile: logOf(certname)
  })
}

/** What an agent has printed in all its runs so far, one that still runs included. */
export const printedBy = ({ certname }: Agent): string => readFileSync(logOf(certname), 'utf8')

const logOf = (certname: string): string => scratch('logs', `agent-${certname}.log`)

/** A catalog as an agent asks for it, on one connection and by nothing else; it takes so much longer to compile. */
export function askCatalog(
  { certname, root, ssl }: Agent,
  pauseSeconds: number,
  {
    environment = 'production',
    headers = {}
  }: { readonly environment?: string; readonly headers?: Readonly<Record<string, string>> } = {}
): Promise<Answer> {
  const values = { probe_root: root, probe_pause: String(pauseSeconds) }
  const facts = JSON.stringify({ name: certname, values })
  const form = new URLSearchParams({ facts_format: 'application/json', facts: encodeURIComponent(facts) })
  return askProxy(`/puppet/v3/catalog/${certname}?environment=${environment}`, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: form.toString(),
    as: ssl
  })
}

/** Text of a file the catalog manages. */
export const managedFile = ({ root }: Agent, path: string): string => readFileSync(join(root, path), 'utf8')

/** Certname of the master that compiled the agent's last catalog. */
export function compiledBy({ certname }: Agent): string {
  const catalog = readFileSync(
    scratch('agents', certname, 'var/client_data/catalog', `${certname}.json`),
    'utf8'
  )
  const [, master] = /"compiled-by-([^"]+)"/.exec(catalog) ?? []
  if (master === undefined) throw new Error(`the catalog of ${certname} does not say who compiled it`)
  return master
}

/**
 * An agent that has its certificate already: from an earlier test of the same run, or now. It asks for it through the
 * balancer as `puppet ssl bootstrap` does, but without two seconds of Ruby; `bootstrapAgent` is the real thing.
 */
export async function createEnrolledAgent(agent: NewAgent): Promise<Agent> {
  const created = createAgent(agent)
  if (existsSync(created.ssl.cert)) return created
  const { certname, role, datacenter } = agent
  const keys = await generateKeyPair('rsa2048')
  const extensions = {
    ...(role === undefined ? {} : { pp_role: role }),
    ...(datacenter === undefined ? {} : { pp_datacenter: datacenter })
  }
  const server = { host: '127.0.0.1', port: ports.proxy, servername: proxyHost, runtime: systemRuntime }
  const { identity, ca, crl } = await simulateBootstrap({ ...server, certname, keys, extensions })
  const { ssl } = created
  for (const [file, text] of [
    [ssl.key, identity.key],
    [ssl.ca, ca],
    [ssl.crl, crl],
    [ssl.cert, identity.cert]
  ] as const) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return created
}
