import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { listeningPorts } from '../support/listening-ports.ts'

type Test = { teardown: (task: () => unknown) => void }

const entry = fileURLToPath(new URL('../support/serving-process.ts', import.meta.url))
const skip = !existsSync('/proc/self/fd') && 'there is no /proc'

/** A process that does at signals what the program does, and says so. */
async function start(t: Test, command: string, nodeOptions: readonly string[] = []) {
  const child = fork(entry, [command], {
    execArgv: [...nodeOptions],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc']
  })
  const errors = text(child.stderr as NodeJS.ReadableStream)
  const exit = once(child, 'exit').then(([code, signal]) => code ?? signal)
  t.teardown(() => child.kill('SIGKILL'))
  const words: string[] = []
  child.on('message', word => words.push(String(word)))
  const word = async () => {
    while (words.length === 0) await once(child, 'message')
    return words.shift() ?? ''
  }
  /** Sends a signal, and resolves with what the process says of it. */
  const signal = (name: NodeJS.Signals) => {
    child.kill(name)
    return word()
  }
  /** Tells it something, and resolves with what it says to that. */
  const tell = (what: string) => {
    child.send(what)
    return word()
  }
  if ((await word()) !== 'guarded') throw new Error('it did not start')
  return {
    pid: child.pid ?? 0,
    send: (what: string) => child.send(what),
    word,
    signal,
    tell,
    kill: child.kill.bind(child),
    exit,
    errors
  }
}

const disabled = '--disable-sigusr1'

for (const nodeOptions of [[], [disabled]]) {
  t.test(
    `HUP, USR1 and USR2 harm no request and open no inspector, with node ${nodeOptions}`,
    { skip },
    async t => {
      const serving = await start(t, 'serve', nodeOptions)
      const port = Number(await serving.tell('load'))
      const answer = fetch(`http://127.0.0.1:${port}/`)
      t.equal(await serving.word(), 'request')
      // With the option Node blocks the signal, and nobody hears of it.
      if (nodeOptions.includes(disabled)) serving.kill('SIGUSR1')
      else t.match(await serving.signal('SIGUSR1'), /^SIGUSR1 opens no inspector/)
      t.match(await serving.signal('SIGUSR2'), /^SIGUSR2 restarts and reloads nothing/)
      t.equal(await serving.signal('SIGHUP'), 'reload')
      t.equal(await serving.signal('SIGHUP'), 'reload')
      t.same(listeningPorts(serving.pid), [port])
      serving.send('answer')
      const { status } = await answer
      t.equal(status, 200)
      serving.kill('SIGKILL')
      t.equal(await serving.errors, '', 'Node did not even try')
    }
  )
}

for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
  t.test(`${signal} while the program loads harms nothing`, { skip }, async t => {
    const loading = await start(t, 'serve')
    loading.kill(signal)
    const port = Number(await loading.tell('load'))
    t.ok(port > 0)
    t.same(listeningPorts(loading.pid), [port])
  })
}

for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGQUIT', 131]
] as const) {
  t.test(`${signal} while the program loads ends it at once`, async t => {
    const loading = await start(t, 'serve')
    loading.kill(signal)
    t.equal(await loading.exit, code)
  })

  t.test(`the first ${signal} drains, a second one ends at once`, async t => {
    const serving = await start(t, 'serve')
    await serving.tell('load')
    t.equal(await serving.signal(signal), 'draining')
    t.equal(await serving.tell('2000'), 'time')
    serving.kill(signal)
    t.equal(await serving.exit, code)
  })
}

t.test('Ctrl-C that came twice for one keystroke counts once', async t => {
  const serving = await start(t, 'serve')
  await serving.tell('load')
  t.equal(await serving.signal('SIGINT'), 'draining')
  t.equal(await serving.tell('999'), 'time')
  serving.kill('SIGINT')
  serving.kill('SIGTERM')
  t.equal(await serving.exit, 143)
})

t.test('a command that only asks ends when its terminal is closed', async t => {
  const asking = await start(t, 'status')
  asking.kill('SIGHUP')
  t.equal(await asking.exit, 129)
})
