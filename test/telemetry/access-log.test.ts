import t from 'tap'
import { type AccessEntry, createAccessLog } from '../../src/telemetry/access-log.ts'
import { captureLog } from '../support/log-lines.ts'

const entry: AccessEntry = {
  id: 'abc-0-1',
  remote: '192.0.2.1',
  certname: 'agent1',
  method: 'GET',
  path: '/puppet/v3/node/agent1',
  class: 'light',
  master: 'm1',
  attempts: 1,
  queueMs: 0,
  upstreamMs: 1,
  durationMs: 2,
  bytesIn: 0,
  bytesOut: 3,
  status: 200,
  end: 'complete'
}

t.test('a line says all of a request', t => {
  const { log, lines } = captureLog()
  createAccessLog(log, () => true)(entry)
  t.match(lines, [{ ...entry, level: 'info', msg: 'request' }])
  t.end()
})

t.test('what a client may choose the length of is cut', t => {
  const { log, lines } = captureLog()
  const write = createAccessLog(log, () => true)
  const long = 'x'.repeat(16_000)
  write({ ...entry, path: `/${long}` })
  write({ ...entry, method: long })
  write({ ...entry, certname: long })
  write({ ...entry, certname: undefined, path: `/${long}` })
  const [path, method, certname, anonymous] = lines
  t.equal(path?.path, `/${'x'.repeat(1_023)}…`)
  t.equal(path?.certname, 'agent1')
  t.equal(method?.method, `${'x'.repeat(32)}…`)
  t.equal(certname?.certname, `${'x'.repeat(256)}…`)
  t.equal(anonymous?.path, path?.path)
  for (const line of lines) t.ok(JSON.stringify(line).length < 2_000)
  t.end()
})

t.test('nothing is written when it is off, or the level is above', t => {
  const { log, lines } = captureLog()
  let isOn = false
  const write = createAccessLog(log, () => isOn)
  write(entry)
  isOn = true
  log.level = 'warn'
  write(entry)
  t.same(lines, [])
  t.end()
})
