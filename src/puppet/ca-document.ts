import { decodedPath } from './path-segment.ts'

/** Version 1, and what stood in its place before Puppet 4, behind an environment. */
const documentPath = /^\/+(?:puppet-ca\/+v1|\w+)\/+(certificate|certificate_revocation_list)\/+ca$/

/**
 * Which document of the CA is read, if one that everybody is given alike: its certificates (`certificate/ca`) or its
 * revocation lists (`certificate_revocation_list/ca`), in any generation of URL. The target must have passed `checkPath`.
 */
export function caDocumentOf(method: string | undefined, target: string): 'certificate' | 'crl' | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  const [, name] = documentPath.exec(decodedPath(target)) ?? []
  if (name === undefined) return undefined
  return name === 'certificate' ? 'certificate' : 'crl'
}

/**
 * Where a CA has them, by generation. The environment means nothing to it, but Puppet 3 wants one that it knows, and a
 * CA on Rack or WEBrick in version 1 does too.
 */
export const caDocumentTargets = Object.freeze({
  certificate: ['/puppet-ca/v1/certificate/ca?environment=production', '/production/certificate/ca'],
  crl: [
    '/puppet-ca/v1/certificate_revocation_list/ca?environment=production',
    '/production/certificate_revocation_list/ca'
  ]
} as const)

/** `s` is what Puppet 3 calls this format. */
export const caDocumentAccept = 'text/plain, s'
