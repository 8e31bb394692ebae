import { type Command, InvalidArgumentError, Option } from 'commander'
import { daysIn, maxListedAgents } from '../model/agents.ts'
import type { AgentsOptions } from './agents.ts'
import { addAdminOptions, addCommand } from './options.ts'
import type { Terminal } from './terminal.ts'

/** The choices of which one alone can be had, by their flag. */
const choices = ['expiring', 'slow', 'failing', 'old', 'noisy'] as const

/** The command that tells of agents. */
export function addAgents(program: Command, io: Terminal): void {
  const command = addCommand(
    program,
    'agents',
    'list the agents that a running balancer has seen, each with its last run; by name unless told otherwise'
  )
    .addOption(
      choice(
        'expiring',
        '--expiring <days>',
        'those whose certificate ends within so many days, 30d'
      ).argParser(days)
    )
    .addOption(choice('slow', '--slow', 'those with the longest compiles first'))
    .addOption(choice('failing', '--failing', 'those whose last run failed, most failures in a row first'))
    .addOption(
      choice('old', '--old', "those whose major version of Puppet is below the masters', oldest first")
    )
    .addOption(choice('noisy', '--noisy', 'those that ask most an hour first'))
    .option('--search <begin>', 'those whose certname begins so')
    .option('--limit <n>', `so many at most, 1 to ${maxListedAgents}, default 50`, limit)
    .option('--offset <n>', 'leave out so many at the beginning', offset)
    .option('--json', 'print what GET /api/agents answers')
  addAdminOptions(command).action(async (options: AgentsOptions) => {
    const { agents } = await import('./agents.ts')
    await agents(options, io)
  })
}

function choice(name: (typeof choices)[number], flags: string, description: string): Option {
  return new Option(flags, description).conflicts(choices.filter(each => each !== name))
}

function days(text: string): number {
  const number = daysIn(text)
  if (number !== undefined) return number
  throw new InvalidArgumentError('It must be a number of days, written like 30d.')
}

function limit(text: string): number {
  return wholeNumber(text, 1, maxListedAgents)
}

function offset(text: string): number {
  return wholeNumber(text, 0, 9_999_999)
}

function wholeNumber(text: string, least: number, most: number): number {
  const number = /^\d{1,7}$/.test(text) ? Number(text) : -1
  if (number >= least && number <= most) return number
  throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
}
