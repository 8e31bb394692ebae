// Not the whole package: each worker thread would load forty modules for two functions.
import Range from 'semver/classes/range.js'
import parse from 'semver/functions/parse.js'

/**
 * Puppet Server's own rule is 5.3.1 and later (`max-queued-requests`). But the agents of 6.14 to 7.25 and 8.0 to 8.1
 * sleep as they are told and then fail: they read the answer of a connection they have closed (PUP-11853, mended in
 * 7.26 and 8.2).
 */
const comingBack = new Range('>=5.3.1 <6.14.0-0 || >=7.26.0 <8.0.0-0 || >=8.2.0', {
  includePrerelease: true
})

/**
 * How often agents come back for one request: up to 6.13 a return counts like a redirect (`redirect_limit` in
 * `network/http/connection.rb`), since then there is a limit of its own (`http/retry_after_handler.rb`).
 */
const RETURNS = { few: 10, many: 100 } as const

/**
 * How often the client waits and asks again when it gets a 503 with `Retry-After`, by its `X-Puppet-Version`: ten times
 * from 5.3.1 to 6.13, a hundred times from 7.26 of 7 and from 8.2 on. Anything but one plain version, such as none, two
 * joined by a comma or `v5.3.1`, is 0: an older agent or another client would just fail.
 */
export function returnsOf(xPuppetVersion: string | undefined): number {
  if (xPuppetVersion === undefined) return 0
  const remembered = known.get(xPuppetVersion)
  if (remembered !== undefined) return remembered
  const returns = readReturns(xPuppetVersion)
  if (known.size < MAX_KNOWN_VERSIONS) known.set(xPuppetVersion, returns)
  return returns
}

/** Versions seen so far, since reading one takes microseconds. A site has a few; the bound is against inventors. */
const known = new Map<string, number>()
const MAX_KNOWN_VERSIONS = 256

function readReturns(xPuppetVersion: string): number {
  if (!startsWithDigit.test(xPuppetVersion)) return 0
  const version = parse(xPuppetVersion)
  if (version === null || !comingBack.test(version)) return 0
  return version.major < 7 ? RETURNS.few : RETURNS.many
}

/** Whether it comes back at all. */
export function understandsRetryAfter(xPuppetVersion: string | undefined): boolean {
  return returnsOf(xPuppetVersion) > 0
}

/** Whether it comes back so often that no outage outlasts it: it need not wait here. */
export function outlastsOutages(xPuppetVersion: string | undefined): boolean {
  return returnsOf(xPuppetVersion) >= RETURNS.many
}

/**
 * Milliseconds for which an agent bears silence after it has asked: `configtimeout` before 4, nothing in 4 and 5,
 * `http_read_timeout` from 6 on (`lib/puppet/defaults.rb`). Who does not say its version is taken for a later one.
 */
export function readTimeoutMs(xPuppetVersion: string | undefined): number {
  const [, major] = /^(\d{1,3})\.[\w.+-]*$/.exec(xPuppetVersion ?? '') ?? []
  if (major === undefined || Number(major) > 5) return 600_000
  return Number(major) < 4 ? 120_000 : Number.POSITIVE_INFINITY
}

/**
 * The version that a client says it is: its `X-Puppet-Version`, else what stands behind `Puppet/` in its `User-Agent`;
 * `undefined` when neither is a version of some 30 characters at most.
 */
export function versionSaid(
  xPuppetVersion: string | undefined,
  userAgent: string | undefined
): string | undefined {
  if (xPuppetVersion !== undefined && plainVersion.test(xPuppetVersion)) return xPuppetVersion
  const [, said] = /^Puppet\/(\S+)/.exec(userAgent ?? '') ?? []
  return said !== undefined && plainVersion.test(said) ? said : undefined
}

const plainVersion = /^\d{1,4}\.\d{1,4}[\w.+-]{0,24}$/

/** Major and minor, such as `8.10`; `undefined` for no version. */
export function minorOf(version: string | undefined): string | undefined {
  return /^\d{1,4}\.\d{1,4}(?!\d)/.exec(version ?? '')?.[0]
}

/** `undefined` for no version. */
export function majorOf(version: string | undefined): number | undefined {
  const major = Number.parseInt(version ?? '', 10)
  return Number.isNaN(major) ? undefined : major
}

/** semver also reads `v1.2.3` and `=1.2.3`, Puppet Server does not. */
const startsWithDigit = /^\d/
