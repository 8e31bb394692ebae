import { once } from 'node:events'
import t from 'tap'
import type { Event } from '../../src/model/event.ts'
import type { Status } from '../../src/model/status.ts'
import { startDemo } from './demo-process.ts'

/** What the balancer has told by the first event of a kind, from the first master that was down on. */
async function eventsUntil(last: string, page: string): Promise<readonly string[]> {
  const { body } = await fetch(`${page}api/events`)
  let text = ''
  for await (const bytes of body ?? []) {
    text += Buffer.from(bytes).toString()
    if (new RegExp(`"kind":"${last}".*\n\n`).test(text)) break
  }
  const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as Event)
  const told = events.map(({ kind, master }) => [kind, master].filter(Boolean).join(' '))
  return told.slice(told.findIndex(each => each.startsWith('master-down')))
}

t.test('a tour shows one thing after the other, and no agent but the revoked one is refused', async t => {
  const demo = startDemo(t, { port: 0, tour: true }, 20)
  await demo.line(/^The tour is over/)
  const told = demo.printed.slice(demo.printed.indexOf('Ctrl-C ends it.'))
  const steps = told.filter(line => /tour|dead|back|refused|anew/i.test(line) && !/^\d+ runs/.test(line))
  const expected = [
    /^Tour: every agent was served/,
    /^Tour 1 of 6: master-3 dies/,
    /^master-3 is dead/,
    /^Tour: master-3 is down/,
    /^Tour 2 of 6: master-3 /,
    /^master-3 comes back/,
    /^Tour: master-3 is up/,
    /^Tour 3 of 6: master-2 is drained/,
    /^Tour: master-2 is drained/,
    /^Tour 4 of 6: master-2 /,
    /^Tour: master-2 is up/,
    /^Tour 5 of 6: web01\.demo is revoked/,
    /^web01\.demo: refused: .*: it is revoked\. Request /,
    /^Tour 6 of 6: /,
    /^web01\.demo: first run anew/,
    /^The tour is over/
  ]
  t.match(steps, expected)
  t.equal(steps.length, expected.length)
  t.notMatch(told.join('\n'), /exit status 1|cannot enrol/, 'no run failed')

  const [, page = ''] = /^Status page: (\S+)$/.exec(demo.printed[0] ?? '') ?? []
  const { masters, crl } = (await (await fetch(`${page}api/status`)).json()) as Status
  t.match(
    masters,
    [1, 2, 3].map(() => ({ state: /^(up|warming)$/, mode: 'active' }))
  )
  t.equal(crl?.entries, 1)
  const events = await eventsUntil('crl', page)
  // Whether one is ejected before it is down, and probed before it is given back, is a matter of moments.
  const byTheWay = ['master-ejected master-3', 'master-up master-2']
  t.same(
    events.filter(each => !byTheWay.includes(each)),
    [
      'master-down master-3',
      'master-up master-3',
      'master-drain master-2',
      'master-drained master-2',
      'master-undrain master-2',
      'crl'
    ]
  )
  demo.process.kill('SIGINT')
  t.same(await once(demo.process, 'exit'), [0, null])
})
