import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Operation } from '../model/operation.ts'
import { maxWeight } from '../model/settings.ts'
import type { AdminFlags } from './admin-address.ts'
import type { OperateOptions } from './operate.ts'
import { addAdminOptions, addCommand, durationText } from './options.ts'
import type { Terminal } from './terminal.ts'

const modes = {
  drain: {
    description: 'let a master end the runs it has and give it no new ones, as before it is patched',
    wait: 'go on until it has no request and no run left'
  },
  undrain: {
    description: 'give a master back to work after drain or maint, once it answers a probe',
    wait: 'go on until it is up'
  },
  maint: {
    description: 'give a master nothing any more, at once, and ask it nothing; its runs move to others',
    wait: 'go on until no request is left there'
  }
} as const

/** The commands that change what a running balancer gives its masters. */
export function addOperations(program: Command, io: Terminal, finish: (code: number) => void): void {
  const perform = async (name: string, operation: Operation, options: OperateOptions) => {
    const { operate } = await import('./operate.ts')
    finish(await operate(name, operation, options, io))
  }
  for (const action of ['drain', 'undrain', 'maint'] as const) {
    const { description, wait } = modes[action]
    const command = withName(addCommand(program, action, description))
      .option('--wait', wait)
      .addOption(
        new Option('--timeout <duration>', 'longest time to wait, such as 10m; after it the exit code is 2')
          .argParser(durationText)
          .implies({ wait: true })
      )
    addAdminOptions(command).action((name: string, options: OperateOptions) =>
      perform(name, { action }, options)
    )
  }
  const command = withName(
    addCommand(program, 'weight', 'give a master another weight, until it is taken back')
  ).argument(
    '<weight>',
    `0 (no new runs) to ${maxWeight}, or default: what its configuration says`,
    weightText
  )
  addAdminOptions(command).action((name: string, weight: number | 'default', options: AdminFlags) =>
    perform(name, { action: 'weight', weight }, options)
  )
}

function withName(command: Command): Command {
  const described = 'name of the master; the part before a slash means all masters that share it'
  return command.argument('<name>', described, nameText)
}

function nameText(text: string): string {
  if (!/^\.{0,2}$/.test(text)) return text
  throw new InvalidArgumentError('It must be the name of a master.')
}

function weightText(text: string): number | 'default' {
  if (text === 'default') return text
  const weight = Number(text)
  if (/^\d{1,7}$/.test(text) && weight <= maxWeight) return weight
  throw new InvalidArgumentError(`It must be a whole number from 0 to ${maxWeight}, or default.`)
}
