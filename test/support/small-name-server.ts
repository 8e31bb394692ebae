import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'

/** What is answered for a name and a family: addresses, none of them, or an error; `silent`: nothing. */
export type Said = readonly string[] | 'no-such-name' | 'failure' | 'silent'

const types = { 1: 4, 28: 6 } as const
const codes = { failure: 2, 'no-such-name': 3 } as const

/**
 * Answers for addresses on port 53 of a host, by RFC 1035, section 4. For a test in a network of its own, whose system asks
 * nobody else.
 */
export async function startSmallNameServer(
  host: string,
  said: (name: string, family: 4 | 6) => Said
): Promise<{ readonly close: () => void }> {
  const socket = createSocket('udp4')
  socket.on('message', (question, { port, address }) => {
    const answer = answerTo(question, said)
    if (answer) socket.send(answer, port, address)
  })
  socket.bind(53, host)
  await once(socket, 'listening')
  return { close: () => socket.close() }
}

function answerTo(question: Buffer, said: (name: string, family: 4 | 6) => Said): Buffer | undefined {
  const { name, end } = nameAt(question, 12)
  const family = types[question.readUInt16BE(end) as keyof typeof types]
  const told = family === undefined ? [] : said(name, family)
  if (told === 'silent') return undefined
  const addresses = typeof told === 'string' ? [] : told
  const code = typeof told === 'string' ? codes[told] : 0
  const head = Buffer.alloc(12)
  question.copy(head, 0, 0, 2)
  // An answer, with recursion as it was wanted.
  head.writeUInt16BE(0x8180 | code, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(addresses.length, 6)
  return Buffer.concat([head, question.subarray(12, end + 4), ...addresses.map(recordOf)])
}

function nameAt(message: Buffer, at: number): { readonly name: string; readonly end: number } {
  const labels: string[] = []
  let next = at
  for (let length = message[next++] ?? 0; length > 0; length = message[next++] ?? 0) {
    labels.push(message.toString('latin1', next, next + length))
    next += length
  }
  return { name: labels.join('.').toLowerCase(), end: next }
}

function recordOf(address: string): Buffer {
  const bytes = isIPv4(address) ? address.split('.').map(Number) : bytesOfIPv6(address)
  // The name of the question, its type, the class of the Internet, and no time to keep it.
  const head = Buffer.from([0xc0, 12, 0, isIPv4(address) ? 1 : 28, 0, 1, 0, 0, 0, 0, 0, bytes.length])
  return Buffer.concat([head, Buffer.from(bytes)])
}

function bytesOfIPv6(address: string): number[] {
  const [before = '', after = ''] = address.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const zeros = Array<string>(8 - groups(before).length - groups(after).length).fill('0')
  const all = [...groups(before), ...(address.includes('::') ? zeros : []), ...groups(after)]
  return all.flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])
}
