import t from 'tap'
import type { Flush, FlushReport } from '../../src/model/code.ts'
import { startScene } from '../admin/scene.ts'
import { puppetLb } from './puppet-lb.ts'

const report: FlushReport = {
  environment: 'production',
  done: false,
  masters: [
    { name: 'master-1', done: true, cause: null },
    { name: 'b', done: false, cause: 'in maintenance' }
  ]
}

/** An admin listener that notes what is to be flushed, and answers with a report. */
async function setUp(t: Parameters<typeof startScene>[0], of: Partial<FlushReport> = {}) {
  const asked: Parameters<Flush>[] = []
  const { origin } = await startScene(t, {
    deps: {
      async flush(...args) {
        asked.push(args)
        return { ...report, ...of }
      }
    }
  })
  return {
    origin,
    asked,
    deployed: (...args: string[]) => puppetLb(['deployed', ...args, '--admin', origin])
  }
}

t.test('what came of it is told for each master, and the exit code is 2 when one did not do it', async t => {
  const { deployed, asked } = await setUp(t)
  t.same(await deployed('production'), {
    code: 2,
    out: 'master    flushed  cause\nmaster-1  yes\nb         NO       in maintenance\n',
    err: ''
  })
  t.same(asked, [['production', 'over TCP, from 127.0.0.1']])
})

t.test('it is 0 when all did, and --json prints the answer', async t => {
  const { deployed, asked } = await setUp(t, { environment: null, done: true })
  const { code, out } = await deployed('--all', '--json')
  t.equal(code, 0)
  t.same(JSON.parse(out), { ...report, environment: null, done: true })
  t.equal(asked[0]?.[0], undefined)
})

t.test('where there is no master that could be asked, that is said', async t => {
  const { deployed } = await setUp(t, { done: true, masters: [] })
  t.match(await deployed('production'), { code: 0, out: 'there is no master that could be asked\n' })
})

t.test('it wants one environment, or all', async t => {
  const { deployed, asked } = await setUp(t)
  const sentence = 'puppet-lb: name an environment, or say --all\n'
  t.same(await deployed(), { code: 1, out: '', err: sentence })
  t.same(await deployed('production', '--all'), { code: 1, out: '', err: sentence })
  t.match(await deployed('a/b'), { code: 1, err: /letters, digits and underscores/ })
  t.same(asked, [])
})

t.test('over HTTP a name that no environment can have is refused, and nobody is asked', async t => {
  const { origin, asked } = await setUp(t)
  for (const name of ['a%2Fb', 'a%20b', '%C3%A9', 'x'.repeat(101)]) {
    const answer = await fetch(`${origin}/api/environments/${name}/deployed`, {
      method: 'POST',
      headers: { 'x-puppet-lb': '1' }
    })
    t.equal(answer.status, 400, name)
    t.match(await answer.text(), /letters, digits and underscores/)
  }
  const unmarked = await fetch(`${origin}/api/environments/production/deployed`, { method: 'POST' })
  t.equal(unmarked.status, 403, 'nor may a web page')
  t.same(asked, [])
})
