import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { outputOf } from '../processes.ts'
import { haproxyArguments, haproxyConfig } from './haproxy.ts'
import type { PeerName } from './names.ts'
import { nginxArguments, nginxConfig } from './nginx.ts'
import { puppetLbArguments, puppetLbConfig } from './puppet-lb.ts'
import type { Site } from './site.ts'

/** A command line. */
export interface Command {
  readonly command: string
  readonly args: readonly string[]
}

/** Makes command lines of programs that are not ours: as they are, or in another Debian. */
export type Wrap = (command: Command) => Command

/** What is to be written to a peer's configuration file, and the command that runs it with that. */
export function programOf(name: PeerName, file: string, site: Site, wrap: Wrap): Command & { text: string } {
  switch (name) {
    case 'puppet-lb':
      return { text: puppetLbConfig(site), command: process.execPath, args: puppetLbArguments(file) }
    case 'nginx':
      return { text: nginxConfig(site), ...wrap({ command: 'nginx', args: nginxArguments(file) }) }
    default:
      return {
        text: haproxyConfig(name, site),
        ...wrap({ command: 'haproxy', args: haproxyArguments(file) })
      }
  }
}

/** What peers and their TLS libraries call themselves; rejects with a sentence that names those that are not there. */
export async function versionsOf(
  names: readonly PeerName[],
  wrap: Wrap
): Promise<Readonly<Partial<Record<PeerName, string>>>> {
  const versions: Partial<Record<PeerName, string>> = {}
  const missing: PeerName[] = []
  for (const name of names) {
    const version = await versionOf(name, wrap)
    if (version === undefined) missing.push(name)
    else versions[name] = version
  }
  if (missing.length === 0) return versions
  throw new Error(`what runs ${missing.join(', ')} is not there: apt-get install haproxy nginx`)
}

/** What a peer and its TLS library call themselves; undefined for one that is not installed. */
async function versionOf(name: PeerName, wrap: Wrap): Promise<string | undefined> {
  switch (name) {
    case 'puppet-lb': {
      const file = join(import.meta.dirname, '../../../package.json')
      const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
      return `${version}, Node ${process.versions.node}, OpenSSL ${process.versions.openssl}`
    }
    case 'nginx':
      return nginxVersion(await outputIfThere(wrap({ command: 'nginx', args: ['-V'] })))
    default:
      return haproxyVersion(await outputIfThere(wrap({ command: 'haproxy', args: ['-vv'] })))
  }
}

/** From what `haproxy -vv` prints. */
export function haproxyVersion(text: string): string | undefined {
  const version = found(text, /HAProxy version (\S+)/)
  return version && `${version}, OpenSSL ${found(text, /Running on OpenSSL.*?: OpenSSL (\S+)/)}`
}

/** From what `nginx -V` prints; the library it was built with is named once more where another one runs. */
export function nginxVersion(text: string): string | undefined {
  const version = found(text, /nginx\/(\S+)/)
  const openssl = found(text, /running with OpenSSL (\S+)/) ?? found(text, /OpenSSL (\S+)/)
  return version && `${version}, OpenSSL ${openssl}`
}

/** Nothing for a program that is not there. */
async function outputIfThere({ command, args }: Command): Promise<string> {
  try {
    return await outputOf(command, args)
  } catch {
    return ''
  }
}

function found(text: string, pattern: RegExp): string | undefined {
  return pattern.exec(text)?.[1]
}
