import { run, type Terminal } from '../../src/commands/program.ts'

/** Runs a command line and keeps what it prints. */
export async function puppetLb(args: readonly string[], terminal: Partial<Terminal> = {}) {
  let [out, err] = ['', '']
  const code = await run(args, {
    out: text => {
      out += text
    },
    err: text => {
      err += text
    },
    env: {},
    ...terminal
  })
  return { code, out, err }
}
