import semver from 'semver'

const firstVersion = '5.3.1'

/**
 * Whether the client waits and asks again when it gets a 503 with `Retry-After`, by its `X-Puppet-Version`:
 * 5.3.1 and later, the rule of Puppet Server's `max-queued-requests`. Anything but one plain version, such as
 * none, two joined by a comma or `v5.3.1`, is `false`: an older agent or another client would just fail.
 */
export function understandsRetryAfter(xPuppetVersion: string | undefined): boolean {
  if (xPuppetVersion === undefined || !startsWithDigit.test(xPuppetVersion)) return false
  const version = semver.parse(xPuppetVersion)
  return version !== null && version.compare(firstVersion) >= 0
}

/** semver also reads `v1.2.3` and `=1.2.3`, Puppet Server does not. */
const startsWithDigit = /^\d/
