import t from 'tap'
import { isOwnFault } from '../../src/model/own-fault.ts'

const coded = (code: string) => Object.assign(new Error(code), { code })

for (const code of ['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM', 'ENETDOWN', 'EAI_AGAIN']) {
  t.test(`${code} is a fault of our own`, async t => {
    t.equal(isOwnFault(coded(code)), true)
  })
}

for (const code of [
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'ENOENT'
]) {
  t.test(`${code} is none`, async t => {
    t.equal(isOwnFault(coded(code)), false)
  })
}

t.test('tries at several addresses are our fault when each of them is', async t => {
  const refused = coded('ECONNREFUSED')
  const noPort = coded('EADDRNOTAVAIL')
  t.equal(isOwnFault(new AggregateError([noPort, noPort])), true)
  t.equal(isOwnFault(Object.assign(new AggregateError([noPort, refused]), { code: 'EADDRNOTAVAIL' })), false)
  t.equal(isOwnFault(new AggregateError([])), false)
})

t.test('what is no error of the system is none', async t => {
  t.equal(isOwnFault(new Error('x')), false)
  t.equal(isOwnFault('EMFILE'), false)
})
