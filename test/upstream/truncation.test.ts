import t from 'tap'
import { CLOSE_NOTIFY_BYTES, isTruncated } from '../../src/upstream/truncation.ts'

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
