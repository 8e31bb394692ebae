import { readFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { ConfigError } from '../config/problems.ts'

/** What the command line talks to; a test gives its own. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly env: NodeJS.ProcessEnv
}

const terminal: Terminal = {
  out: text => process.stdout.write(text),
  err: text => process.stderr.write(text),
  env: process.env
}

/**
 * Runs one command line, given without `node` and the program's name. Resolves with the exit code: 0 fine, 1 the
 * user's input is wrong, 2 it could not be done.
 */
export async function run(args: readonly string[], io: Terminal = terminal): Promise<number> {
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
    io.err(`puppet-lb: ${error instanceof Error ? error.message : String(error)}\n`)
    return 2
  }
}

interface DemoFlags {
  readonly port?: number
  readonly adminPort?: number
  readonly directory?: string
}

interface RouteFlags {
  readonly config: string
  readonly certname?: string
  readonly userAgent?: string
}

interface WhyFlags {
  readonly admin?: string
  readonly config?: string
}

function createProgram(io: Terminal, finish: (code: number) => void): Command {
  const program = new Command('puppet-lb')
    .description('A load balancer for Puppet: one hostname in front of the CA and the compile masters.')
    .version(version(), '--version', 'print the version')
    .helpOption('--help', 'print what a command does and its options')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      outputError: (text, write) => write(oneSentence(text))
    })
    .showSuggestionAfterError()

  addCommand(program, 'serve', 'serve until SIGTERM, then let running requests end')
    .addOption(configOption())
    .action(async (options: { config: string }) => {
      const { serve } = await import('./serve.ts')
      finish(await serve(options))
    })
  addCommand(program, 'demo', 'serve in front of simulated masters and agents, with throwaway certificates')
    .option('--port <n>', 'port for agents, default 8140; 0 lets the system choose', portNumber)
    .option(
      '--admin-port <n>',
      'port of the admin listener, default 9140; 0 lets the system choose',
      portNumber
    )
    .option('--directory <dir>', 'where the certificates are kept, default certs-dev')
    .action(async (options: DemoFlags) => {
      const { demo } = await import('./demo.ts')
      finish(await demo(options))
    })
  addCommand(program, 'check', 'say whether a configuration can be used, or every problem with its line')
    .addOption(configOption())
    .action(async (options: { config: string }) => {
      const { check } = await import('./check.ts')
      io.out(`${check(options, io.env)}\n`)
    })
  addCommand(program, 'route', 'say what would become of a request: its class, who answers, in which order')
    .argument('<method>', 'HTTP method')
    .argument('<path>', 'path with its query, such as /puppet/v3/catalog/NAME?environment=production')
    .addOption(configOption())
    .option('--certname <name>', "certname of the agent's certificate; without it the agent shows none")
    .option('--user-agent <text>', 'User-Agent of the request')
    .action(async (method: string, path: string, options: RouteFlags) => {
      const { route } = await import('./route.ts')
      io.out(`${route({ ...options, method, path }, io.env)}\n`)
    })
  addCommand(program, 'why', 'say why a request went where it went: masters, waiting, attempts, ending')
    .argument('<request-id>', 'the id at the end of what the agent printed, or of a line of the access log')
    .addOption(
      new Option('--admin <url>', 'admin listener to ask, default http://127.0.0.1:9140')
        .argParser(httpUrl)
        .conflicts('config')
    )
    .option('--config <file>', 'configuration file (YAML) that says where the admin listener is')
    .action(async (requestId: string, options: WhyFlags) => {
      const { why } = await import('./why.ts')
      const text = await why({ ...options, requestId }, io.env)
      if (text !== undefined) io.out(`${text}\n`)
      else io.err(`puppet-lb: nothing is remembered of a request ${requestId}\n`)
      finish(text === undefined ? 1 : 0)
    })
  return program
}

/** Commander's complaint and its suggestion, which it puts on two lines, as one. */
function oneSentence(complaint: string): string {
  return `${complaint
    .replace(/^error: /, 'puppet-lb: ')
    .trim()
    .replaceAll('\n', ' ')}\n`
}

function addCommand(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).allowExcessArguments(false)
}

function configOption(): Option {
  return new Option('--config <file>', 'configuration file (YAML)').makeOptionMandatory()
}

function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('It must be a whole number from 0 to 65535.')
}

function httpUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text
  throw new InvalidArgumentError('It must be a URL such as http://127.0.0.1:9140.')
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
