import t from 'tap'
import { faultOf } from '../../src/data/accept/parser-fault.ts'

for (const [code, kind, reason] of [
  ['HPE_INVALID_METHOD', 'told', 'bad-request'],
  ['HPE_PAUSED_H2_UPGRADE', 'told', 'bad-request'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'told', 'bad-request'],
  ['HPE_HEADER_OVERFLOW', 'told', 'headers-too-large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'told', 'request-timeout'],
  ['HPE_CLOSED_CONNECTION', 'behind-the-last', undefined],
  ['HPE_INVALID_EOF_STATE', 'gone', undefined],
  ['ECONNRESET', 'gone', undefined],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'gone', undefined],
  ['HPE_PAUSED', 'lost', undefined],
  ['HPE_PAUSED_UPGRADE', 'lost', undefined],
  ['HPE_USER', 'lost', undefined],
  ['HPE_INTERNAL', 'lost', undefined],
  ['HPE_CB_MESSAGE_BEGIN', 'lost', undefined]
] as const) {
  t.test(`${code} is ${reason ?? kind}`, async t => {
    t.same(faultOf(code), { kind, reason })
  })
}

t.test('an error without a code is a connection that is gone', async t => {
  t.equal(faultOf().kind, 'gone')
})
