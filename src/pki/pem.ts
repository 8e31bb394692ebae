/** One PEM block, decoded. */
export interface PemBlock {
  /** `CERTIFICATE`, `X509 CRL`, `EC PRIVATE KEY` and so on. */
  readonly label: string
  /** Lines such as `Proc-Type: 4,ENCRYPTED`, which only old forms of private keys have; otherwise empty. */
  readonly headers: string
  readonly der: Buffer
}

/** What a text holds of the wanted blocks. */
export interface PemReading {
  readonly blocks: readonly PemBlock[]
  /** What of them could not be read, to go after "holds", each once; never anything of their content. */
  readonly damage: readonly string[]
}

/** Bounded, like every expression here: a file of any size must not end the stack of one. */
const marker = /-----(BEGIN|END) ([A-Z0-9][A-Z0-9 ]{0,63})-----/g

/**
 * Reads the blocks of the labels that `isWanted` accepts, in their order. What stands around them does not matter: a
 * byte order mark, text before and after, CRLF, blanks at the end of lines, a missing line end between two blocks.
 * Half a block is never passed over: with it would go all that it holds.
 */
export function readPem(text: string, isWanted: (label: string) => boolean): PemReading {
  const blocks: PemBlock[] = []
  const damage = new Set<string>()
  let open: { readonly label: string; readonly from: number } | undefined
  const complain = (label: string, what: string) => {
    if (isWanted(label)) damage.add(`a PEM block "${label}" ${what}`)
  }
  for (const { 0: whole, 1: edge, 2: label = '', index } of text.matchAll(marker)) {
    if (edge === 'BEGIN') {
      if (open) complain(open.label, 'that is begun and not ended')
      open = { label, from: index + whole.length }
    } else if (open?.label === label) {
      const block = isWanted(label) ? decode(label, text.slice(open.from, index)) : undefined
      if (block) blocks.push(block)
      else complain(label, 'that is damaged')
      open = undefined
    } else {
      complain(label, 'that is ended and not begun')
    }
  }
  if (open) complain(open.label, 'that is begun and not ended')
  return { blocks, damage: [...damage] }
}

/** The same for one label. */
export function readPemOf(text: string, wanted: string): PemReading {
  return readPem(text, label => label === wanted)
}

/** The block as OpenSSL writes it, with a line end behind it. */
export function formatPem(label: string, der: Buffer): string {
  const base64 = der.toString('base64')
  const lines: string[] = []
  for (let at = 0; at < base64.length; at += 64) lines.push(base64.slice(at, at + 64))
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** `undefined` for what is not Base64 from end to end: Node would pass over the rest of it without a word. */
function decode(label: string, body: string): PemBlock | undefined {
  const { headers, base64 } = splitHeaders(body)
  const written = base64.replace(/\s/g, '')
  const der = Buffer.from(written, 'base64')
  if (der.length === 0 || der.toString('base64') !== written) return undefined
  return { label, headers, der }
}

/** Where headers may be: they end with an empty line, and those of a private key take some 60 characters. */
const MAX_HEADERS = 4096

/** Lines such as `DEK-Info: …` stand before the Base64, which knows no colon, with an empty line behind them. */
function splitHeaders(body: string): { readonly headers: string; readonly base64: string } {
  const start = body.slice(0, MAX_HEADERS)
  if (!start.includes(':')) return { headers: '', base64: body }
  const lines = start.trimStart().split('\n')
  const end = lines.findIndex(line => line.trim() === '')
  if (end < 0) return { headers: '', base64: body }
  const headers = lines.slice(0, end).join('\n')
  const skipped = start.length - start.trimStart().length + headers.length
  return { headers: headers.trim(), base64: body.slice(skipped) }
}
