import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Takes every further file descriptor from this process, as a system does that grants no more: EMFILE. */
export interface Starvation {
  readonly begin: () => Promise<void>
  readonly end: () => Promise<void>
}

/** By `prlimit` of util-linux, in a shell that stands ready: once it has begun, nothing can be started any more. */
export function createStarvation(t: { teardown: (task: () => unknown) => void }): Starvation {
  const shell = spawn('sh', [], { stdio: ['pipe', 'pipe', 'inherit'] })
  shell.stdout.setEncoding('utf8')
  async function set(limit: string): Promise<void> {
    shell.stdin.write(`prlimit --pid ${process.pid} --nofile=${limit}: && echo done\n`)
    const [line] = await once(shell.stdout, 'data')
    if (line !== 'done\n') throw new Error(`prlimit said: ${line}`)
  }
  const limits = softLimit()
  const end = async () => set(await limits)
  async function softLimit(): Promise<string> {
    shell.stdin.write(`prlimit --pid ${process.pid} --nofile --noheadings --raw --output SOFT\n`)
    const [line] = await once(shell.stdout, 'data')
    return String(line).trim()
  }
  t.teardown(async () => {
    await end()
    shell.stdin.end()
    await once(shell, 'close')
  })
  return {
    async begin() {
      await limits
      await set('3')
    },
    end
  }
}
