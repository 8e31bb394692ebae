import { type Command, InvalidArgumentError } from 'commander'
import type { DeployedOptions } from './deployed.ts'
import { addAdminOptions, addCommand } from './options.ts'
import type { Terminal } from './terminal.ts'

interface DeployedFlags extends DeployedOptions {
  readonly all?: boolean
}

/** The command by which a deployment tells a running balancer that there is new code. */
export function addDeployed(program: Command, io: Terminal, finish: (code: number) => void): void {
  const about =
    'say that an environment was deployed: every master flushes its cache of it; exit code 2 when one did not'
  const command = addCommand(program, 'deployed', about)
    .argument('[environment]', 'name of the environment', environmentText)
    .option('--all', 'all environments, in place of a name')
    .option('--json', 'print { environment, done, masters: [{ name, done, cause }] }')
  addAdminOptions(command).action(
    async (environment: string | undefined, { all, ...options }: DeployedFlags, self: Command) => {
      if ((environment === undefined) === (all === undefined))
        self.error('error: name an environment, or say --all', { exitCode: 1 })
      const { deployed } = await import('./deployed.ts')
      finish(await deployed(environment, options, io))
    }
  )
}

function environmentText(text: string): string {
  if (/^\w{1,100}$/.test(text)) return text
  throw new InvalidArgumentError('It must be made of letters, digits and underscores.')
}
