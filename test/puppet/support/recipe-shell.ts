import { type RecipeName, recipe } from '../../support/recipes.ts'
import { mustRun } from './background.ts'
import { scratch } from './layout.ts'

/** How a command of a recipe is run here: its name, and what stands for it. */
export type Commands = Readonly<
  Record<string, { readonly command: string; readonly args: readonly string[] }>
>

/**
 * Runs a shell recipe of DEPLOY.md, line by line as it stands there but for `places`; what it prints. A command of
 * `commands` gets the words of the recipe between its `args` and its `last`.
 */
export function runRecipe(
  name: RecipeName,
  {
    cwd,
    places = {},
    commands = {},
    last = [],
    env = {}
  }: {
    readonly cwd: string
    readonly places?: Readonly<Record<string, string>>
    readonly commands?: Commands
    readonly last?: readonly string[]
    readonly env?: Readonly<Record<string, string>>
  }
): Promise<string> {
  const functions = Object.entries(commands).map(
    ([own, { command, args }]) => `${own}() { command ${quoted([command, ...args])} "$@" ${quoted(last)}; }\n`
  )
  const script = `set -euo pipefail\n${functions.join('')}${recipe(name, places)}`
  return mustRun({
    command: 'bash',
    args: ['-c', script, 'recipe', scratch()],
    cwd,
    env,
    logFile: scratch('logs', `recipe-${name}.log`)
  })
}

const quoted = (words: readonly string[]): string =>
  words.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
