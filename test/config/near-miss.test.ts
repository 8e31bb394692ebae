import t from 'tap'
import { nearest } from '../../src/config/near-miss.ts'

const names = ['host', 'port', 'workers', 'drainTimeout', 'path']

const meant: Readonly<Record<string, string | undefined>> = {
  prot: 'port',
  Port: 'port',
  prt: 'port',
  ports: 'port',
  worker: 'workers',
  draintimeout: 'drainTimeout',
  drain_timeout: 'drainTimeout',
  drainTimout: 'drainTimeout',
  affinity: undefined,
  x: undefined,
  '': undefined
}

for (const [typed, name] of Object.entries(meant)) {
  t.test(
    name ? `${typed} is taken for ${name}` : `${JSON.stringify(typed)} is taken for nothing`,
    async t => {
      t.equal(nearest(typed, names), name)
    }
  )
}

t.test('the nearest of several near names is meant', async t => {
  t.equal(nearest('prot', ['ports', 'port']), 'port')
})
