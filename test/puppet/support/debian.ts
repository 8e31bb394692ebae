import { join } from 'node:path'

/** Major versions of Puppet that the suite is run with: Debian 12's 7 and Debian 13's 8. */
export type Generation = 7 | 8

/** The Puppet of this run, server and agents. */
export const generation = readGeneration()

/** Root of the Debian that has it: this machine's own, or one that `test/support/debian` made. */
const root = given('PUPPET_TEST_ROOT')

/** Directory of the classes that `test/puppet/generation` has made of Puppet Server's source, as that Debian sees it. */
export const compiledAhead = (): string => given('PUPPET_TEST_AHEAD')

/** Where a file of that Debian's packages lies, as seen from here. */
export const packaged = (file: string): string => join(root, file)

/**
 * A command of that Debian, to be run from here. It shares our processes and network; of our files it sees the scratch
 * directory only, under the same name, so its arguments are absolute paths, and its directory may be `/`.
 */
export function inDebian(command: string, args: readonly string[]) {
  return root === '/' ? { command, args } : { command: 'chroot', args: [root, command, ...args] }
}

function readGeneration(): Generation {
  const number = Number(given('PUPPET_TEST_GENERATION'))
  if (number !== 7 && number !== 8) throw new Error(`there is no generation ${number} of Puppet here`)
  return number
}

function given(variable: string): string {
  const value = process.env[variable]
  if (value === undefined) throw new Error(`start the suite through test/puppet/run: it sets ${variable}`)
  return value
}
