import t from 'tap'
import { errors } from 'undici'
import { failureOf, UnusableAnswer } from '../../src/data/http/failure.ts'

const coded = (code: string) => Object.assign(new Error(code), { code })

for (const [what, error, sent, reason, code, worthAnother] of [
  ['nobody listens', coded('ECONNREFUSED'), false, 'connect-failed', 'no-master', true],
  [
    'the certificate is wrong',
    coded('ERR_TLS_CERT_ALTNAME_INVALID'),
    false,
    'connect-failed',
    'no-master',
    true
  ],
  ['connecting takes too long', new errors.ConnectTimeoutError(), false, 'connect-failed', 'no-master', true],
  ['no local port is free', coded('EADDRNOTAVAIL'), false, 'own-fault', 'no-connection', true],
  ['no buffer is free', coded('ENOBUFS'), false, 'own-fault', 'no-connection', true],
  ['no descriptor is free', coded('EMFILE'), false, 'own-fault', 'no-connection', true],
  ['the resolver does not answer', coded('EAI_AGAIN'), false, 'own-fault', 'no-connection', true],
  ['it has been sent already', coded('ENOBUFS'), true, 'master-lost', 'master-lost', true],
  ['the connection breaks', new errors.SocketError(), true, 'master-lost', 'master-lost', true],
  ['the connection is reset', coded('ECONNRESET'), true, 'master-lost', 'master-lost', true],
  [
    'no answer begins in time',
    new errors.HeadersTimeoutError(),
    true,
    'master-timeout',
    'master-timeout',
    false
  ],
  ['an answer stops', new errors.BodyTimeoutError(), true, 'master-timeout', 'master-timeout', false],
  ['an answer is no HTTP', new errors.HTTPParserError('x'), true, 'master-answer', 'master-answer', true],
  ['headers are too large', new errors.HeadersOverflowError(), true, 'master-answer', 'master-answer', true],
  [
    'a length is not kept',
    new errors.ResponseContentLengthMismatchError(),
    true,
    'master-answer',
    'master-answer',
    true
  ],
  [
    'an answer ends in the middle of a chunk',
    new errors.HTTPParserError('Response does not match the HTTP/1.1 protocol (Invalid EOF state)'),
    true,
    'master-lost',
    'master-lost',
    true
  ],
  ['an answer cannot be carried', new UnusableAnswer(), true, 'master-answer', 'master-answer', true],
  [
    'nobody asked to upgrade',
    new errors.SocketError('bad upgrade'),
    true,
    'master-answer',
    'master-answer',
    true
  ],
  ['a status is below 100', coded('ERR_ASSERTION'), true, 'master-answer', 'master-answer', true],
  [
    'the request cannot be sent',
    new errors.InvalidArgumentError(),
    false,
    'bad-request',
    'bad-request',
    false
  ]
] as const)
  t.test(`when ${what}, that is ${reason}`, async t => {
    const failure = failureOf(error, { sent, answered: false })
    t.match(failure, { reason, code, worthAnother })
    t.equal(failure.cause, (error as { code?: string }).code ?? error.name)
  })

t.test('an error without a code is told by its name', async t => {
  t.equal(failureOf(new TypeError('x'), { sent: true, answered: false }).cause, 'TypeError')
})

t.test('an answer that falls short of its length, once its head was there, was cut off', async t => {
  const error = new errors.ResponseContentLengthMismatchError()
  t.equal(failureOf(error, { sent: true, answered: true }).reason, 'master-lost')
})
