import t from 'tap'
import { causeDetail } from '../../src/data/http/cause-detail.ts'
import type { Master } from '../../src/model/master.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { masters } from '../support/masters.ts'

const [ca, ...pool] = masters({ ca: 1, m1: 1, m2: 1, m3: 1, m4: 1 }) as [Master, ...Master[]]

function snapshot(causes: Readonly<Record<string, string>>): Snapshot {
  const known = [ca, ...pool].flatMap(({ name, id }): [number, string][] => {
    const cause = causes[name]
    return cause === undefined ? [] : [[id, cause]]
  })
  return {
    version: 1,
    ca,
    isCaUp: true,
    masters: pool,
    tiers: [],
    finishing: [],
    doubted: [],
    causes: new Map(known)
  }
}

t.test('what ended the last attempt counts before what probes have found', async t => {
  const found = snapshot({ m1: 'it refuses connections' })
  t.equal(causeDetail('no-master', 'it reset the connection', found, false), 'it reset the connection')
  t.equal(causeDetail('no-master', undefined, found, false), 'it refuses connections')
})

t.test('a cause that masters share is told once, others by name, and not too many', async t => {
  const same = snapshot({ m1: 'it fell', m2: 'it fell' })
  t.equal(causeDetail('no-master', undefined, same, false), 'it fell')
  const each = snapshot({ m1: 'it fell', m2: 'it broke', m3: 'it left', m4: 'it slept' })
  t.equal(causeDetail('no-master', undefined, each, false), 'm1: it fell; m2: it broke; m3: it left …')
})

t.test('of the CA only its own cause is told', async t => {
  const found = snapshot({ m1: 'it fell', ca: 'it slept' })
  t.equal(causeDetail('ca-unavailable', undefined, found, true), 'it slept')
  t.equal(causeDetail('ca-unavailable', undefined, snapshot({ m1: 'it fell' }), true), undefined)
})

t.test('agents are told no code of the system, and nothing where the cause has no part in it', async t => {
  const found = snapshot({ m1: 'it refuses connections (ECONNREFUSED)' })
  t.equal(causeDetail('no-master', undefined, found, false), 'it refuses connections')
  t.equal(causeDetail('no-master', 'EMFILE', found, false), undefined)
  t.equal(causeDetail('queue-full', 'it fell', found, false), undefined)
})
