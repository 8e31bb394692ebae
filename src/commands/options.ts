import { type Command, InvalidArgumentError, Option } from 'commander'
import { extensionProblem } from '../config/check-routes.ts'
import { parseDuration } from '../config/units.ts'
import { oidOf } from '../puppet/trusted-extensions.ts'
import { parseAdmin } from './admin-address.ts'

/** `--config`, for a command that cannot do without: `required` says so once nothing else is wrong. */
export function configOption(): Option {
  return new Option('--config <file>', 'configuration file (YAML)')
}

/**
 * The value of `--config`, or the end of the command with one sentence. Commander itself would complain of a missing
 * option before it looks whether that was only mistyped.
 */
export function required(config: string | undefined, command: Command): string {
  return (
    config ??
    command.error("error: required option '--config <file>' not specified", {
      exitCode: 1
    })
  )
}

/** Adds the two ways to say which running balancer is meant. */
export function addAdminOptions(command: Command): Command {
  return command
    .addOption(
      adminOption('/run/puppet-lb/admin.sock where there is one, else http://127.0.0.1:9140').conflicts(
        'config'
      )
    )
    .option('--config <file>', 'configuration file (YAML) that says where the admin listener is')
}

/** `--admin`, the listener that is asked. */
export function adminOption(fallback: string): Option {
  return new Option(
    '--admin <url>',
    `admin listener to ask, http://HOST:PORT or unix:/PATH, default ${fallback}`
  ).argParser(adminUrl)
}

/** Adds a command to a program. */
export function addCommand(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).allowExcessArguments(false)
}

/** Reads a duration of the command line; the result is in milliseconds. */
export function durationText(text: string): number {
  const durationMs = parseDuration(text)
  if (durationMs !== undefined) return durationMs
  throw new InvalidArgumentError('It must be a duration, written like 250ms, 5s, 10m or 1h.')
}

/** Reads one more extension, `NAME=VALUE`, of the command line; by dotted OID. */
export function extensionText(
  text: string,
  before: ReadonlyMap<string, string> = new Map()
): ReadonlyMap<string, string> {
  const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === '') throw new InvalidArgumentError('It must be NAME=VALUE.')
  const problem = extensionProblem(name)
  if (problem !== undefined) throw new InvalidArgumentError(`${name} ${problem}`)
  return new Map([...before, [oidOf(name) ?? name, value]])
}

/** Reads a port of the command line; 0 is one. */
export function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('It must be a whole number from 0 to 65535.')
}

/** For `demo`: more would take more than one machine. */
export function agentCount(text: string): number {
  const count = Number(text)
  if (/^\d{1,4}$/.test(text) && count >= 1 && count <= 1_000) return count
  throw new InvalidArgumentError('It must be a whole number from 1 to 1000.')
}

function adminUrl(text: string): string {
  try {
    parseAdmin(text)
    return text
  } catch {
    throw new InvalidArgumentError(
      'It must be a URL such as http://127.0.0.1:9140, or unix: and the path of a socket.'
    )
  }
}
