import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { ConfigError } from '../config/problems.ts'
import { withoutSecrets } from '../model/secret-text.ts'
import type { AdminFlags } from './admin-address.ts'
import {
  addAdminOptions,
  addCommand,
  adminOption,
  agentCount,
  configOption,
  extensionText,
  portNumber,
  required
} from './options.ts'
import { addAgents } from './program-agents.ts'
import { addDeployed } from './program-deployed.ts'
import { addEnroll } from './program-enroll.ts'
import { addOperations } from './program-operations.ts'
import { processTerminal, type Terminal } from './terminal.ts'

export type { Terminal } from './terminal.ts'

/**
 * Runs one command line, given without `node` and the program's name. Resolves with the exit code: 0 fine, 1 the
 * user's input is wrong, 2 it could not be done.
 */
export async function run(args: readonly string[], io: Terminal = processTerminal): Promise<number> {
  let code = 0
  const program = createProgram(io, result => {
    code = result
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    if (error instanceof ConfigError) {
      io.err(`${error.lines.join('\n')}\n`)
      return 1
    }
    io.err(`puppet-lb: ${withoutSecrets(error instanceof Error ? error.message : String(error))}\n`)
    return 2
  }
}

/** Ends the command with another exit code than 0. */
type Finish = (code: number) => void

function createProgram(io: Terminal, finish: Finish): Command {
  const program = new Command('puppet-lb')
    .description('A load balancer for Puppet: one hostname in front of the CA and the compile masters.')
    .version(version(), '--version', 'print the version')
    .helpOption('--help', 'print what a command does and its options')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      outputError: (text, write) => write(withoutSecrets(oneSentence(text)))
    })
    .showSuggestionAfterError()
  addServe(program, finish)
  addDemo(program, finish)
  addCheck(program, io)
  addRoute(program, io)
  addWhy(program, io, finish)
  addStatus(program, io)
  addAgents(program, io)
  addReload(program, io, finish)
  addDoctor(program, io, finish)
  addOperations(program, io, finish)
  addDeployed(program, io, finish)
  addEnroll(program, io, finish)
  return program
}

interface ServeFlags {
  readonly config?: string
  readonly takeover?: boolean
}

function addServe(program: Command, finish: Finish): void {
  addCommand(program, 'serve', 'serve until SIGTERM, then let running requests end; SIGHUP reloads')
    .addOption(configOption())
    .option(
      '--takeover',
      'take over the port, the admin listener and what operators said from the balancer that runs there, which then ' +
        'ends what it has; where none runs, start plainly'
    )
    .action(async (options: ServeFlags, command: Command) => {
      const config = required(options.config, command)
      const { serve } = await import('./serve.ts')
      finish(await serve({ ...options, config, version: version() }))
    })
}

interface DemoFlags {
  readonly host?: string
  readonly port?: number
  readonly adminPort?: number
  readonly agents?: number
  readonly directory?: string
  readonly tour?: boolean
}

function addDemo(program: Command, finish: Finish): void {
  addCommand(program, 'demo', 'serve in front of simulated masters and agents, with throwaway certificates')
    .option('--host <address>', 'address for agents, default 127.0.0.1: nobody but this machine')
    .option('--port <n>', 'port for agents, default 8140; 0 lets the system choose', portNumber)
    .option(
      '--admin-port <n>',
      'port of the admin listener, default 9140; 0 lets the system choose',
      portNumber
    )
    .option('--agents <n>', 'simulated agents, 1 to 1000, default 5; 200 for a look at load', agentCount)
    .option('--directory <dir>', 'where the certificates are kept, default certs-dev')
    .option(
      '--tour',
      'let a master die and come back, drain another, revoke an agent, in about two minutes; then go on as without'
    )
    .action(async (options: DemoFlags) => {
      const { demo } = await import('./demo.ts')
      finish(await demo(options))
    })
}

interface CheckFlags extends AdminFlags {
  readonly againstRunning?: boolean
}

function addCheck(program: Command, io: Terminal): void {
  addCommand(program, 'check', 'say whether a configuration can be used, or every problem with its line')
    .addOption(configOption())
    .option('--against-running', 'say what a running balancer would change if it took this configuration')
    .addOption(adminOption('where the configuration says').implies({ againstRunning: true }))
    .action(async ({ admin, againstRunning, ...options }: CheckFlags, command: Command) => {
      const config = required(options.config, command)
      const { text, warnings } = againstRunning
        ? await (await import('./check-running.ts')).checkAgainstRunning({ config, admin }, io)
        : (await import('./check.ts')).check({ config }, io.env)
      for (const warning of warnings) io.err(`${warning}\n`)
      io.out(`${text}\n`)
    })
}

interface RouteFlags {
  readonly extension?: ReadonlyMap<string, string>
  readonly environment?: string
  readonly config?: string
  readonly certname?: string
  readonly userAgent?: string
}

function addRoute(program: Command, io: Terminal): void {
  addCommand(program, 'route', 'say what would become of a request: its class, who answers, in which order')
    .argument('<method>', 'HTTP method')
    .argument('<path>', 'path with its query, such as /puppet/v3/catalog/NAME?environment=production')
    .addOption(configOption())
    .option('--certname <name>', "certname of the agent's certificate; without it the agent shows none")
    .option(
      '--extension <name=value>',
      'extension of that certificate, by short name or OID; more than once for several',
      extensionText
    )
    .option(
      '--environment <name>',
      'environment in the body of the request, where it is in neither path nor query'
    )
    .option('--user-agent <text>', 'User-Agent of the request')
    .action(async (method: string, path: string, { extension, ...options }: RouteFlags, command: Command) => {
      const config = required(options.config, command)
      if (extension && options.certname === undefined)
        command.error("error: option '--extension' needs '--certname': they are of one certificate", {
          exitCode: 1
        })
      const { route } = await import('./route.ts')
      io.out(`${route({ ...options, extensions: extension, config, method, path }, io.env)}\n`)
    })
}

function addWhy(program: Command, io: Terminal, finish: Finish): void {
  const command = addCommand(
    program,
    'why',
    'say why a request went where it went: masters, waiting, attempts, ending'
  ).argument('<request-id>', 'the id at the end of what the agent printed, or of a line of the access log')
  addAdminOptions(command).action(async (requestId: string, options: AdminFlags) => {
    const { why } = await import('./why.ts')
    const text = await why({ ...options, requestId }, io.env)
    if (text !== undefined) io.out(`${text}\n`)
    else io.err(`puppet-lb: nothing is remembered of a request ${requestId}\n`)
    finish(text === undefined ? 1 : 0)
  })
}

interface StatusFlags extends AdminFlags {
  readonly json?: boolean
  readonly watch?: boolean
}

function addStatus(program: Command, io: Terminal): void {
  const command = addCommand(program, 'status', 'say how a running balancer is: masters, queue, certificates')
    .option('--json', 'print what GET /api/status answers')
    .option('--watch', 'go on, every 2 s, until interrupted')
  addAdminOptions(command).action(async (options: StatusFlags) => {
    const { status } = await import('./status.ts')
    await status(options, io)
  })
}

function addReload(program: Command, io: Terminal, finish: Finish): void {
  const command = addCommand(program, 'reload', 'have a running balancer read its configuration again')
  addAdminOptions(command).action(async (options: AdminFlags) => {
    const { reload } = await import('./reload.ts')
    finish(await reload(options, io))
  })
}

interface DoctorFlags {
  readonly config?: string
  readonly json?: boolean
  readonly caDir?: string
  readonly serverDir?: string
}

function addDoctor(program: Command, io: Terminal, finish: Finish): void {
  const about =
    'look for what is wrong with masters, CA, certificates and this machine, and say how to mend it; exit codes: 0 no ' +
    'fault, 1 faults, 2 it could not look'
  addCommand(program, 'doctor', about)
    .addOption(configOption())
    .option('--json', 'print { ok, findings: [{ level, check, subject, message, remedy }] }')
    .option(
      '--ca-dir <dir>',
      "directory of the CA on this machine, to compare its full revocation list; default: the packages'"
    )
    .option('--server-dir <dir>', "conf.d of a Puppet Server on this machine; default: the packages'")
    .exitOverride(error => {
      // Here 1 says that faults were found.
      throw error.exitCode === 1 ? new CommanderError(2, error.code, error.message) : error
    })
    .action(async (options: DoctorFlags, command: Command) => {
      const config = required(options.config, command)
      const { doctor } = await import('./doctor.ts')
      finish(await doctor({ ...options, config }, io))
    })
}

/** Commander's complaint and its suggestion, which it puts on two lines, as one. */
function oneSentence(complaint: string): string {
  return `${complaint
    .replace(/^error: /, 'puppet-lb: ')
    .trim()
    .replaceAll('\n', ' ')}\n`
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
