/** PEM, as it is or with its line ends and blanks escaped, to its end or that of the text. */
const pem = /-----BEGIN(?:.*?-----END[^-]*-----|.*)/gs
/** A key or certificate without its PEM frame: DER in base64 begins with a long SEQUENCE, and so with M. */
const der = /(?<![\w+/])M[A-Z][A-Za-z0-9+/]{38,}={0,2}/g
/** But for the word in their place, as our own sentences have it. */
const credentials = /\b(Bearer|Basic)\s+(?!TOKEN\b)[^\s,"']+/gi
const userInfo = /(?<=\/\/)[^/\s"'@]*(?:\/[^/\s"'@]*)?@/g

/** Whether a text is, or holds, a key, a certificate, credentials or a URL with a password. */
export function holdsSecret(text: string): boolean {
  return withoutSecrets(text) !== text
}

/**
 * A text that others made, such as the message of an error, as it may be printed: keys, certificates, credentials and
 * passwords in URLs are left out, and it says where.
 */
export function withoutSecrets(text: string): string {
  return text
    .replace(pem, '(PEM left out)')
    .replace(der, '(left out)')
    .replace(credentials, '$1 (left out)')
    .replace(userInfo, '(left out)@')
}
