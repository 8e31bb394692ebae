#!/usr/bin/env node
import { run } from './commands/program.ts'

// Whatever a command left open, a probe under way for one, does not outlive it.
process.exit(await run(process.argv.slice(2)))
