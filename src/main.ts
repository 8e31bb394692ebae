#!/usr/bin/env -S node --disable-sigusr1
import { guardSignals } from './commands/signals.ts'

const args = process.argv.slice(2)
guardSignals(args[0])
// Only now the rest is loaded, which takes a while.
const { run } = await import('./commands/program.ts')
const { endWithReader, outliveReaders } = await import('./commands/terminal.ts')
if (args[0] === 'serve') outliveReaders()
else endWithReader()
// Whatever a command left open, a probe under way for one, does not outlive it.
process.exit(await run(args))
