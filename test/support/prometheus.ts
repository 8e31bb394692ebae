import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { json } from 'node:stream/consumers'
import { run } from './programs.ts'

/** As much of a test as these need. */
interface Host {
  readonly teardown: (task: () => unknown) => void
}

/** An alert that fires. */
export interface Alert {
  readonly labels: Readonly<Record<string, string>>
}

/** A series of an answer: its labels, and its value as Prometheus writes it. */
export type Sample = Readonly<Record<string, string>> & { readonly value: string }

/** A Prometheus that scrapes. */
export interface Prometheus {
  /** What an expression gives now. Rejects with Prometheus's own words when it is none. */
  readonly query: (expression: string) => Promise<readonly Sample[]>
  /** Stops it, writes what this expression gives now into the past of so many seconds ago, and starts it again. */
  readonly backdate: (expression: string, seconds: number) => Promise<void>
}

/** Prometheus must be told its port; a range of its own keeps it out of the way of others. */
const port = 18_700 + (process.pid % 1_000)

/** What Prometheus calls when an alert fires: so nobody has to ask whether it has scraped yet. */
export interface AlertReceiver {
  readonly address: string
  /** Resolves with the first alert of this name. */
  readonly fires: (name: string) => Promise<Alert>
}

export async function startAlertReceiver(t: Host): Promise<AlertReceiver> {
  const heard = new EventEmitter()
  const server = createServer(async (request, response) => {
    const alerts = (await json(request)) as readonly Alert[]
    response.end()
    for (const alert of alerts) heard.emit(String(alert.labels.alertname), alert)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    fires: async name => (await once(heard, name))[0] as Alert
  }
}

/** Starts Prometheus with these files, of which `prometheus.yml` is its configuration; text is written as it is. */
export async function startPrometheus(
  t: Host,
  files: Readonly<Record<string, object | string>>
): Promise<Prometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'puppet-lb-prometheus-'))
  for (const [name, content] of Object.entries(files)) {
    // JSON is YAML.
    await writeFile(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  const data = join(directory, 'data')
  const start = () => startServer(join(directory, 'prometheus.yml'), data)
  let child = await start()
  t.teardown(async () => {
    await end(child, 'SIGKILL')
    await rm(directory, { recursive: true })
  })

  async function query(expression: string): Promise<readonly Sample[]> {
    const answer = await fetch(
      `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`
    )
    const { data, error } = (await answer.json()) as {
      data?: { result: { metric: Record<string, string>; value: [number, string] }[] }
      error?: string
    }
    if (!data) throw new Error(`${expression}: ${error}`)
    return data.result.map(({ metric, value }) => ({ ...metric, value: value[1] }))
  }

  return {
    query,
    async backdate(expression, seconds) {
      const at = Math.floor(Date.now() / 1000) - seconds
      const file = join(directory, 'past.txt')
      await writeFile(file, openMetrics(await query(expression), at))
      await end(child, 'SIGTERM')
      const { status, stderr } = run(
        'promtool',
        ['tsdb', 'create-blocks-from', 'openmetrics', file, data],
        ''
      )
      if (status !== 0) throw new Error(stderr)
      child = await start()
    }
  }
}

/** Resolves once it answers. */
async function startServer(config: string, data: string): Promise<ChildProcess> {
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
      // What fires before it has found its alert managers is told to nobody.
      '--rules.alert.resend-delay=1s'
    ],
    { stdio: ['ignore', 'inherit', 'pipe'] }
  )
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const said: string[] = []
  createInterface({ input: child.stderr }).on('line', line => {
    said.push(line)
    if (line.includes('Server is ready to receive web requests')) resolve()
  })
  child.once('exit', () => reject(new Error(said.join('\n'))))
  await promise
  return child
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

/** These samples in the text format of OpenMetrics, each of this time. */
function openMetrics(samples: readonly Sample[], atSeconds: number): string {
  const lines = samples.map(({ __name__, value, ...labels }) => {
    const pairs = Object.entries(labels).map(([name, text]) => `${name}=${JSON.stringify(text)}`)
    return `${__name__}{${pairs.join(',')}} ${value} ${atSeconds}\n`
  })
  return `${lines.join('')}# EOF\n`
}
