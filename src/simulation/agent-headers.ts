import type { OutgoingHttpHeaders } from 'node:http'
import { gte } from 'semver'

/** Headers that an agent of this version sends with every request (`lib/puppet/http/client.rb` and before). */
export function agentHeaders(version: string): OutgoingHttpHeaders {
  const identification = {
    'X-Puppet-Version': version,
    'User-Agent': `Puppet/${version} Ruby/3.2.4-p170 (x86_64-linux)`
  }
  const gzip = 'gzip;q=1.0,deflate;q=0.6,identity;q=0.3'
  if (gte(version, '7.0.0')) {
    const accept = 'application/vnd.puppet.rich+json, application/json, text/pson'
    return { ...identification, Accept: accept, 'Accept-Encoding': gzip }
  }
  if (gte(version, '6.0.0')) {
    return { ...identification, Accept: 'application/json, text/pson', 'Accept-Encoding': gzip }
  }
  if (gte(version, '4.0.0'))
    return { ...identification, Accept: 'pson, dot, binary', 'Accept-Encoding': gzip }
  const old = { Accept: 'pson, b64_zlib_yaml, yaml, raw', 'Accept-Encoding': 'identity' }
  return gte(version, '3.3.0') ? { ...old, 'X-Puppet-Version': version } : old
}

/** Media type of the facts and reports it sends. */
export function documentType(version: string): string {
  return gte(version, '5.0.0') ? 'application/json' : 'text/pson'
}
