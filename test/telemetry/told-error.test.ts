import t from 'tap'
import { createLog } from '../../src/telemetry/log.ts'
import { tellError } from '../../src/telemetry/told-error.ts'
import { createLogReader } from '../support/log-lines.ts'

t.test('of an error the log has its name, code, message and stack, and not what it carries', async t => {
  const reader = createLogReader()
  const log = createLog('trace', { write: text => reader.read(text) } as Parameters<typeof createLog>[1])
  const error = Object.assign(new TypeError('it broke'), {
    code: 'HPE_INVALID',
    rawPacket: Buffer.from('GET / HTTP/1.1\r\nAuthorization: Bearer s3cret\r\n'),
    input: 'https://me:s3cret@a',
    cert: { pubkey: 's3cret' },
    headers: { cookie: 's3cret' },
    inner: Object.assign(new Error('s3cret'), { token: 's3cret' })
  })
  log.error({ err: error }, 'failed')
  const [line] = reader.lines
  t.match(line, { msg: 'failed', err: { type: 'TypeError', code: 'HPE_INVALID', message: 'it broke' } })
  t.match(line?.err, { stack: /^TypeError: it broke\n +at .*told-error/ })
  t.notMatch(JSON.stringify(line), 's3cret')
})

t.test('what caused it is told too, and a key in either message is left out', async t => {
  const cause = new Error('key -----BEGIN PRIVATE KEY-----\nMIGHs3cret\n-----END PRIVATE KEY-----')
  const told = JSON.stringify(
    tellError(new Error('outer -----BEGIN EC PRIVATE KEY-----\nMHcs3cret', { cause }))
  )
  t.match(told, /outer \(PEM left out\)/)
  t.notMatch(told, 's3cret')
})

t.test('what is thrown and is no error is told as text', async t => {
  t.equal(tellError('Bearer s3cret'), 'Bearer (left out)')
  t.equal(tellError(undefined), 'undefined')
})
