/** The ways a PEM file comes from editors, mail and other systems; what it holds stays the same. */
export const disguises: Readonly<Record<string, (pem: string) => string>> = {
  'as OpenSSL writes it': pem => pem,
  'with CRLF': pem => pem.replaceAll('\n', '\r\n'),
  'with a byte order mark': pem => `\u{feff}${pem}`,
  'with text before and after': pem =>
    `subject=CN = Puppet CA\n\nCertificate:\n    Data:\n${pem}\nthis is the end\n`,
  'with blanks at the end of lines': pem => pem.replaceAll('\n', ' \t\n'),
  indented: pem => pem.replace(/^/gm, '    '),
  'without a line end behind it': pem => pem.trimEnd(),
  'with its blocks on end': pem => pem.replaceAll(/-----\n(?=-----BEGIN)/g, '-----'),
  'with lines of another length': pem =>
    pem.replaceAll(/(?<=^|-----\n)([A-Za-z0-9+/=\n]+)(?=\n-----END)/g, body => body.replaceAll('\n', '')),
  'with all of this': pem =>
    `\u{feff}Bag Attributes\r\n${pem.replaceAll('\n', ' \r\n').trimEnd()}\r\n\r\nfriendlyName: x`
}
