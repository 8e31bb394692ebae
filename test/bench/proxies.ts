import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type ProxyName, proxyPorts } from './ports.ts'
import { outputOf, type Processes, type Started } from './processes.ts'
import { accessLogOf, haproxyConfig, nginxConfig, puppetLbConfig, type RecipeOptions } from './recipes.ts'

const START_MS = 15_000
const root = join(import.meta.dirname, '../..')

/** One of the proxies that are compared. */
export interface Contender {
  readonly name: ProxyName
  readonly port: number
  /** Of the process whose CPU time counts, with that of its threads and children. */
  readonly pid: number
  readonly started: Started
}

/** Writes the proxy's configuration, starts it and waits until it takes connections. */
export async function startProxy(
  name: ProxyName,
  processes: Processes,
  options: RecipeOptions
): Promise<Contender> {
  const { material } = options
  const file = join(material.directory, `${name}.conf`)
  const { text, command, args } = launchOf(name, file, options)
  writeFileSync(file, text)
  const outputFile = accessLogOf(options, name)
  const started = await processes.start({ command, args, outputFile })
  const port = proxyPorts[name]
  await Promise.race([untilListening(port), started.died])
  return { name, port, pid: started.pid, started }
}

/** What each proxy and its TLS library call themselves; undefined for one that is not installed. */
export async function versionOf(name: ProxyName): Promise<string | undefined> {
  switch (name) {
    case 'haproxy': {
      const text = await outputIfThere('haproxy', ['-vv'])
      return (
        text &&
        `${found(text, /version (\S+)/)}, OpenSSL ${found(text, /Running on OpenSSL.*?: OpenSSL (\S+)/)}`
      )
    }
    case 'nginx': {
      const text = await outputIfThere('nginx', ['-V'])
      const openssl = text && (found(text, /running with OpenSSL (\S+)/) ?? found(text, /OpenSSL (\S+)/))
      return text && `${found(text, /nginx\/(\S+)/)}, OpenSSL ${openssl}`
    }
    case 'puppet-lb': {
      const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
      return `${version}, Node ${process.versions.node}, OpenSSL ${process.versions.openssl}`
    }
  }
}

function launchOf(name: ProxyName, file: string, options: RecipeOptions) {
  switch (name) {
    case 'haproxy':
      return { text: haproxyConfig(options), command: 'haproxy', args: ['-db', '-f', file] }
    case 'nginx':
      return { text: nginxConfig(options), command: 'nginx', args: ['-e', 'stderr', '-c', file] }
    case 'puppet-lb': {
      // NODE_OPTIONS of whoever profiles goes to all Node processes; this one variable to the proxy alone.
      const flags = process.env.BENCH_NODE_FLAGS?.split(' ') ?? []
      const args = [...flags, join(root, 'src/main.ts'), 'serve', '--config', file]
      return { text: puppetLbConfig(options), command: process.execPath, args }
    }
  }
}

async function untilListening(port: number): Promise<void> {
  const giveUpAt = performance.now() + START_MS
  while (!(await accepts(port))) {
    if (performance.now() > giveUpAt) throw new Error(`nothing listens on port ${port} after ${START_MS} ms`)
    await wait(50)
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function outputIfThere(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return await outputOf(command, args)
  } catch {
    return undefined
  }
}

function found(text: string, pattern: RegExp): string | undefined {
  return pattern.exec(text)?.[1]
}
