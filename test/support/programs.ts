import { type SpawnSyncReturns, spawnSync } from 'node:child_process'

/** A reason to skip a test where a program of the operating system is not installed; else `false`. */
export function unlessInstalled(program: string): string | false {
  return spawnSync(program, ['--version']).error ? `${program} is not installed` : false
}

/** Runs a program that reads `input`. */
export function run(program: string, args: readonly string[], input: string): SpawnSyncReturns<string> {
  return spawnSync(program, args, { input, encoding: 'utf8' })
}
