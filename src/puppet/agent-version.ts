import semver from 'semver'

/**
 * Puppet Server's own rule is 5.3.1 and later (`max-queued-requests`). But the agents of 6.14 to 7.25 and 8.0 to 8.1
 * sleep as they are told and then fail: they read the answer of a connection they have closed (PUP-11853, mended in
 * 7.26 and 8.2).
 */
const comingBack = new semver.Range('>=5.3.1 <6.14.0-0 || >=7.26.0 <8.0.0-0 || >=8.2.0', {
  includePrerelease: true
})

/**
 * Whether the client waits and asks again when it gets a 503 with `Retry-After`, by its `X-Puppet-Version`:
 * 5.3.1 to 6.13, 7.26 and later of 7, 8.2 and later. Anything but one plain version, such as none, two joined by a
 * comma or `v5.3.1`, is `false`: an older agent or another client would just fail.
 */
export function understandsRetryAfter(xPuppetVersion: string | undefined): boolean {
  if (xPuppetVersion === undefined || !startsWithDigit.test(xPuppetVersion)) return false
  const version = semver.parse(xPuppetVersion)
  return version !== null && comingBack.test(version)
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

/** semver also reads `v1.2.3` and `=1.2.3`, Puppet Server does not. */
const startsWithDigit = /^\d/
