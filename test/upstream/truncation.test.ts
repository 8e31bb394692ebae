import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import t from 'tap'
import { CLOSE_NOTIFY_BYTES, isTruncated, tellTruncation } from '../../src/upstream/truncation.ts'

/** A record's head, what its cipher adds, and the two bytes of the alert. */
const records = {
  'TLS 1.3': 5 + 1 + 16 + 2,
  'TLS 1.2, AES-GCM': 5 + 8 + 16 + 2,
  'TLS 1.2, ChaCha20': 5 + 16 + 2,
  'TLS 1.2, AES-CBC with SHA-1': 5 + 16 + 32,
  'TLS 1.2, AES-CBC with SHA-384': 5 + 16 + 64
}

t.test('an end that was said in TLS is a good one, with the data or behind it', async t => {
  t.notOk(isTruncated({ bytes: 0, isAtOnce: true }))
  t.notOk(isTruncated({ bytes: 900, isAtOnce: true }))
  for (const [version, bytes] of Object.entries(records)) {
    t.notOk(isTruncated({ bytes, isAtOnce: false }), version)
    t.ok(bytes >= CLOSE_NOTIFY_BYTES.fewest && bytes <= CLOSE_NOTIFY_BYTES.most, version)
  }
})

t.test('one without a word is none, between two records or within one', async t => {
  for (const bytes of [0, 1, 22, 86, 4_000, 16_000]) t.ok(isTruncated({ bytes, isAtOnce: false }), `${bytes}`)
})

/** A connection whose bytes and records come as the test says. */
function startConnection() {
  const tcp = { bytesRead: 4_386 }
  const tls = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }) as unknown as Socket
  tellTruncation(tls, tcp as Socket)
  const ended = new Promise<string>(resolve => {
    tls.on('error', error => resolve(error.message))
    tls.on('end', () => resolve('a good end'))
  })
  tls.resume()
  tls.push('an answer')
  /** Later so many bytes come, with a ticket or without, and then the end or nothing. */
  async function comes(bytes: number, what: { readonly ticket?: boolean; readonly end?: boolean }) {
    await new Promise(setImmediate)
    tcp.bytesRead += bytes
    if (what.ticket) tls.emit('session', Buffer.from('a ticket'))
    if (what.end) tls.push(null)
  }
  return { comes, ended }
}

t.test('a ticket behind the data is no part of the end', async t => {
  const together = startConnection()
  await together.comes(128, { ticket: true, end: true })
  t.equal(await together.ended, 'a good end', 'with close_notify')
  const before = startConnection()
  await before.comes(88, { ticket: true })
  await before.comes(40, { end: true })
  t.equal(await before.ended, 'a good end', 'before it')
  const alone = startConnection()
  await alone.comes(88, { ticket: true })
  await alone.comes(0, { end: true })
  t.match(await alone.ended, 'without close_notify')
  const half = startConnection()
  await half.comes(128, { end: true })
  t.match(await half.ended, 'without close_notify', 'as many bytes of something else')
})
