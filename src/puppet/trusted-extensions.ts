/**
 * The extensions that Puppet's CA takes from a request into a certificate, by their short names, as masters show them
 * in `trusted.extensions` (Puppet 8, `lib/puppet/ssl/oids.rb`).
 */

const arc = '1.3.6.1.4.1.34380.1'
/** In the order of their numbers, from 1 on, below `ppRegCertExt`. */
const registered =
  'uuid instance_id image_name preshared_key cost_center product project application service employee ' +
  'created_by environment role software_version department cluster provisioner region datacenter zone ' +
  'network securitypolicy cloudplatform apptier hostname owner'

const oids: ReadonlyMap<string, string> = new Map([
  ...registered.split(' ').map((name, index): [string, string] => [`pp_${name}`, `${arc}.1.${index + 1}`]),
  // Below ppAuthCertExt.
  ['pp_authorization', `${arc}.3.1`],
  ['pp_auth_auto_renew', `${arc}.3.2`],
  ['pp_auth_role', `${arc}.3.13`],
  ['pp_cli_auth', `${arc}.3.39`]
])

const names: ReadonlyMap<string, string> = new Map([...oids].map(([name, oid]) => [oid, name]))

/** Every short name. */
export const extensionNames: readonly string[] = Object.freeze([...oids.keys()])

/** The OID of a short name; `undefined` for a name that Puppet does not know. */
export function oidOf(name: string): string | undefined {
  return oids.get(name)
}

/** The short name of an OID; `undefined` for one without. */
export function nameOfOid(oid: string): string | undefined {
  return names.get(oid)
}

/** Whether Puppet's CA copies an extension of this OID from a request into the certificate. */
export function isPuppetOid(oid: string): boolean {
  return oid.startsWith(`${arc}.`)
}

/** Two arcs, the first 0 to 2 and below 0 and 1 none above 39, and numbers without leading zeros behind them (X.660). */
const dotted = /^(?:[01]\.(?:\d|[123]\d)|2\.(?:0|[1-9]\d{0,8}))(?:\.(?:0|[1-9]\d{0,14})){1,30}$/

/** Whether a text is the dotted form of an object identifier. */
export function isOid(text: string): boolean {
  return dotted.test(text)
}
