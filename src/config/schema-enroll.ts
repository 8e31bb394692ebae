import { isIP } from 'node:net'
import { z } from 'zod'
import { ownKeyTypes } from '../model/enrolment.ts'
import { readFingerprint } from '../pki/fingerprint.ts'
import { filePath, group, mustBe, oneOf, text } from './fields.ts'

/** A certname that a Puppet CA signs: it refuses capitals and wildcards. Its own certificate is asked for as `ca`. */
export const ownName = () =>
  text(
    /^(?!ca$)[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9])?$/,
    'a certname: small letters, digits, dots, hyphens, underscores; not "ca", which is the CA itself'
  )

const altNameAllowed = 'a DNS name in small letters, or an IP address, with or without DNS: or IP: before it'

/** A further name of a certificate, as `dns_alt_names` of Puppet has it. */
export const altName = () =>
  z
    .string({ error: mustBe(altNameAllowed) })
    .transform(written => written.replace(/^(DNS|IP):/, ''))
    .refine(name => isIP(name) !== 0 || /^[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9])?$/.test(name), {
      error: mustBe(altNameAllowed)
    })

const fingerprintAllowed = 'a SHA-256 fingerprint: 64 hexadecimal digits, with colons or without'

/** A fingerprint as a person has copied it; comes out as `AB:CD:…`. */
export const fingerprint = () =>
  z
    .string({ error: mustBe(fingerprintAllowed) })
    .refine(written => readFingerprint(written) !== undefined, { error: mustBe(fingerprintAllowed) })
    .transform(written => readFingerprint(written) ?? '')

/** The keys of `enroll`. */
export const enroll = group({
  name: ownName().describe('Certname to ask for; agents may use it as `server`.'),
  altNames: z
    .array(altName(), { error: mustBe('a list of names') })
    .default([])
    .describe(
      'Every other name that agents use as `server`, the short one too: DNS names or IP addresses. The CA signs them only ' +
        'with `allow-subject-alt-names: true` in its `ca.conf`.'
    ),
  caFingerprint: fingerprint()
    .optional()
    .describe(
      'SHA-256 fingerprint of a certificate of the CA, as `openssl x509 -noout -fingerprint -sha256` prints it, or of its ' +
        'whole bundle (`sha256sum`). Without it only a `ca.pem` that is in the directory already is believed.'
    ),
  keyType: oneOf(ownKeyTypes)
    .default('ecdsa')
    .describe(
      'Kind of key that is made: `ecdsa` (P-256), or `rsa` (4096 bits), for hosts with an OpenSSL before 1.0.1.'
    ),
  dir: filePath('a directory')
    .default('tls')
    .describe(
      'Directory for `cert.pem`, `key.pem`, `ca.pem` and `crl.pem`, which then need not be named under `tls`, and for what ' +
        '`state.directory` keeps, where that is not set; made if need be.'
    )
})
