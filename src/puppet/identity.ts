/** The client on the other end of a TLS connection: the one CN of its verified leaf certificate, and that leaf. */
export interface PeerIdentity {
  readonly certname: string
  /** Exactly one certificate. */
  readonly pem: string
}

/**
 * The headers that tell a master who asks, as a flat list of names and values; encode once per connection.
 * Puppet Server (`authorization.allow-header-cert-info`) and Rack masters of every generation read them:
 * - `X-Client-Verify` counts only as the single value `SUCCESS`;
 * - `X-Client-DN` is the CN alone, because Puppet 2.7 takes everything behind the first `CN=` for the name;
 * - `X-Client-Cert` carries trusted facts. It must be absent, not empty, where there is no certificate, and
 *   hold one certificate, spaces as `%20`: anything else is a 400 (trapperkeeper-authorization).
 * Throws a RangeError when `pem` is not exactly one certificate: a chain here is our own mistake.
 */
export function identityHeaders(peer: PeerIdentity | undefined): readonly string[] {
  if (!peer) return anonymous
  if (peer.pem.split('-----BEGIN CERTIFICATE-----').length !== 2) {
    throw new RangeError('an identity needs exactly one PEM certificate')
  }
  return Object.freeze([
    'X-Client-Verify',
    'SUCCESS',
    'X-Client-DN',
    `CN=${escapeRfc2253(peer.certname)}`,
    'X-Client-Cert',
    encodeURIComponent(peer.pem)
  ])
}

/**
 * The certname in the common name of a certificate's subject, or `undefined` when it has none, several, or
 * one that cannot be a certname: printable ASCII without `/` (Puppet's `VALID_CERTNAME`). Capitals pass: a
 * Puppet CA signs none today, but old and foreign ones did, and the case of a name is the masters' affair.
 */
export function certnameOf(commonName: string | readonly string[] | undefined): string | undefined {
  return typeof commonName === 'string' && certname.test(commonName) ? commonName : undefined
}

const anonymous: readonly string[] = Object.freeze(['X-Client-Verify', 'NONE'])
const certname = /^[ -.0-~]+$/
/**
 * RFC 2253, section 2.4. `=` and `#` are escaped wherever they stand and outer spaces as `\20`, which the RFC
 * allows and Ruby's OpenSSL insists on; Java and Bouncy Castle read both.
 */
const special = /[,=+"\\<>#;]/g
const outerSpaces = /^ +| +$/g

function escapeRfc2253(value: string): string {
  return value.replace(special, '\\$&').replace(outerSpaces, spaces => '\\20'.repeat(spaces.length))
}
