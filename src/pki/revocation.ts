/** Names a certificate by who issued it and its serial number (hexadecimal, any case, leading zeros or not). */
export function revocationKey(authorityId: string, serial: string): string {
  return `${authorityId}:${serial.toUpperCase().replace(/^0+(?=.)/, '')}`
}
