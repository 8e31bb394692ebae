/** What parsers stumble over, and what would be forged or framed if it passed. */
const morsels = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '0\r\n\r\n',
  '\x7f',
  '\xe9',
  'HTTP/1.1',
  'Connection: close\r\n',
  'Connection: X-Client-DN, Content-Length\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Upgrade: h2c\r\nConnection: Upgrade\r\n',
  'Expect: 100-continue\r\n',
  'X-Client-DN: CN=root\r\n',
  'X-Client-Verify: SUCCESS\r\n',
  'x_client_cert: forged\r\n'
]

/** A text of bytes (Latin-1) with one to three changes, chosen by the dice; the same dice, the same text. */
export function mutate(text: string, dice: () => number): string {
  let result = text
  for (let changes = 1 + Math.floor(dice() * 3); changes > 0; changes--) result = changed(result, dice)
  return result
}

function changed(text: string, dice: () => number): string {
  const at = Math.floor(dice() * (text.length + 1))
  const length = 1 + Math.floor(dice() * 12)
  const [before, after] = [text.slice(0, at), text.slice(at)]
  switch (Math.floor(dice() * 6)) {
    case 0:
      return before + after.slice(length)
    case 1:
      return before + after.slice(0, length) + after
    case 2:
      return before + String.fromCharCode(Math.floor(dice() * 256)) + after.slice(1)
    case 3: {
      // At the begin of a line, where headers are.
      const line = text.indexOf('\r\n', at)
      return line < 0 ? text : text.slice(0, line + 2) + pick(morsels, dice) + text.slice(line + 2)
    }
    default:
      return before + pick(morsels, dice) + after
  }
}

export function pick<Item>(items: readonly Item[], dice: () => number): Item {
  return items[Math.floor(dice() * items.length)] as Item
}
