import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '../../src/config/environment.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/config/problems.ts'
import type { Config, Settings } from '../../src/model/settings.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'

/** A CA with a root and an intermediate, shared by the tests of one file. */
export const authority = await createAuthority()

/** The least a configuration may hold; line 1 is `tls`, 2 `ca`, 3 and 4 `masters`, 5 the first line of `more`. */
export function minimal(more = ''): string {
  return `${tls}\n${ca}\n${masters}\n${more}`
}

export const tls = 'tls: { cert: server.pem, key: server.key, ca: ca.pem }'
export const ca = 'ca: { url: https://ca.example.com:8140 }'
export const masters = 'masters:\n  - { name: alpha, url: https://alpha.example.com:8140 }'

const server = await authority.issue({ certname: 'puppet.example.com' })
const crl = await authority.crl()

/** What every configuration finds beside it. */
export const pemFiles = Object.freeze({
  'server.pem': server.chain,
  'server.key': server.key,
  'ca.pem': authority.bundle,
  'crl.pem': crl
})

export interface Setting {
  readonly env?: Environment
  /** Files beside the configuration, besides the usual ones. */
  readonly files?: Readonly<Record<string, string>>
  readonly nowMs?: number
}

/** A test, as far as it lends a directory. */
interface Lender {
  readonly testdir: (content: Record<string, string>) => string
}

/** Loads a configuration from a directory of its own. */
export function load(t: Lender, yaml: string, setting: Setting = {}): Config {
  return loadFrom(directoryFor(t, yaml, setting), setting)
}

/** What a reload would take of such a configuration. */
export function settingsOf(t: Lender, yaml: string, setting: Setting = {}): Settings {
  return load(t, yaml, setting).settings
}

/** The error a configuration ends in. */
export function errorOf(t: Lender, yaml: string, setting: Setting = {}): ConfigError {
  try {
    load(t, yaml, setting)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('the configuration is right')
}

/** The lines of the error a configuration ends in, with file names relative to it; none when it is right. */
export function problemsOf(t: Lender, yaml: string, setting: Setting = {}): readonly string[] {
  const directory = directoryFor(t, yaml, setting)
  try {
    loadFrom(directory, setting)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.lines.map(line => line.replaceAll(`${directory}/`, ''))
  }
}

function directoryFor(t: Lender, yaml: string, { files = {} }: Setting): string {
  return t.testdir({ ...pemFiles, ...files, 'puppet-lb.yaml': yaml })
}

function loadFrom(directory: string, { env = {}, nowMs }: Setting): Config {
  const clock = nowMs === undefined ? undefined : { wallClock: () => nowMs }
  return loadConfig(join(directory, 'puppet-lb.yaml'), env, clock)
}

/** A file of the repository as text. */
export function repositoryFile(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
}
