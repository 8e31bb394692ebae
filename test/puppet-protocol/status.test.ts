import t from 'tap'
import { isRunning } from '../../src/puppet/status.ts'

t.test('a simple status must say running, with 200', async t => {
  for (const path of [
    undefined,
    '/status/v1/simple',
    '/status/v1/simple/server',
    '/status/v1/simple?timeout=2'
  ]) {
    t.ok(isRunning(200, 'running', path))
    t.ok(isRunning(200, 'running\n', path))
    for (const body of ['error', 'starting', 'stopping', 'unknown', '', 'not running', 'running?'])
      t.notOk(isRunning(200, body, path), body)
    for (const status of [204, 301, 404, 500, 503])
      t.notOk(isRunning(status, 'running', path), String(status))
  }
})

t.test('of another health path any 2xx will do', async t => {
  for (const path of ['/production/status/x', '/status/v1/services', '/status/v1/simpleton', '/']) {
    for (const status of [200, 204, 299]) t.ok(isRunning(status, 'anything', path), `${path} ${status}`)
    for (const status of [199, 300, 404, 503])
      t.notOk(isRunning(status, 'running', path), `${path} ${status}`)
  }
})
