import type { SecureContextOptions } from 'node:tls'
import type { TlsProfile } from '../../model/settings.ts'

/** Fresh keys for every connection, and encryption that authenticates. Agents of Puppet 4 and later speak this. */
const modern = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305'
]

/** Of TLS 1.3, the same in both: nothing else is safe, and nobody needs anything else. */
const modern13 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']

/** What hosts with OpenSSL 0.9.8 or 1.0.0 have: CBC, and keys that whoever gets the server's key can read back. */
const old = [
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA256',
  'AES256-SHA256',
  'AES128-SHA',
  'AES256-SHA'
]

/**
 * What a handshake may agree on. OpenSSL's security level rules certificates as well: at 2, no signature with SHA-1 or
 * MD5 is believed and no RSA key below 2048 bits; at 0, which TLS 1.0 and 1.1 need, everything is.
 */
export const handshakes: Readonly<
  Record<TlsProfile, Required<Pick<SecureContextOptions, 'minVersion' | 'ciphers'>>>
> = {
  modern: { minVersion: 'TLSv1.2', ciphers: [...modern13, ...modern, '@SECLEVEL=2'].join(':') },
  legacy: { minVersion: 'TLSv1', ciphers: [...modern13, ...modern, ...old, '@SECLEVEL=0'].join(':') }
}
