import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemRuntime } from '../../src/model/runtime.ts'
import { createLogOutput } from '../../src/telemetry/log-output.ts'
import { minimal, pemFiles } from '../config/fixture.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { puppetLb } from './puppet-lb.ts'

/** `log.file` in a directory with a file `server.pem`, a directory `folder`, one that is `closed`, and a `pipe`. */
const unusable: Readonly<Record<string, readonly [name: string, cause: string]>> = {
  'in a directory that is not there': ['missing/lb.log', 'its directory does not exist'],
  'below a file': ['server.pem/lb.log', 'its directory does not exist'],
  'that is a directory': ['folder', 'it is a directory'],
  'that is a pipe nobody reads': ['pipe', 'nobody reads this pipe'],
  'whose name is too long': ['x'.repeat(300), 'its name is too long'],
  'in a directory that is not this user’s': ['closed/lb.log', 'this user may not write there']
}

for (const [what, [name, cause]] of Object.entries(unusable)) {
  const skip = name.startsWith('closed') && process.getuid?.() === 0 && 'this user may write everywhere'
  for (const command of ['serve', 'check'])
    t.test(`${command} ends with 1 and a sentence for a log file ${what}`, { skip }, async t => {
      const directory = t.testdir({
        ...pemFiles,
        folder: {},
        closed: {},
        'lb.yaml': minimal(`log: { file: ${JSON.stringify(name)} }`)
      })
      execFileSync('mkfifo', [join(directory, 'pipe')])
      chmodSync(join(directory, 'closed'), 0o500)
      const before = readdirSync(directory)
      const config = join(directory, 'lb.yaml')
      const { code, out, err } = await puppetLb([command, '--config', config])
      const [place, sentence] = err.split(' log.file: is ')
      t.equal(place, `${config}:5:14`)
      t.match(sentence, `, but ${cause}; must be a file this user can write\n`)
      t.equal(err.indexOf('\n'), err.length - 1, 'and nothing else')
      t.same([code, out], [1, ''])
      t.same(readdirSync(directory), before, 'no file is made')
    })
}

for (const command of ['serve', 'check'])
  t.test(`${command} tells of a log file together with all else that is wrong`, async t => {
    const wrongBefore = `log: { file: missing/lb.log }\nbalance: { policy: none }`
    const wrongLater = minimal('log: { file: missing/lb.log }').replace(
      'ca: ca.pem',
      '$&, crl: { file: no.pem }'
    )
    for (const [text, other] of [
      [minimal(wrongBefore), 'balance.policy'],
      [wrongLater, 'tls.crl.file']
    ] as const) {
      const config = join(t.testdir({ ...pemFiles, 'lb.yaml': text }), 'lb.yaml')
      const { code, err } = await puppetLb([command, '--config', config])
      t.equal(code, 1)
      t.match(err, /log\.file: is .*its directory does not exist/)
      t.ok(err.includes(` ${other}: `), err)
    }
  })

t.test('a log file on a disk that is full keeps nobody from serving, from the start on', async t => {
  const pki = await createTestPki()
  const master = await startScriptedMaster(t, (_request, response) => response.end('fine'))
  const ca = await startScriptedMaster(t, (_request, response) => response.end())
  for (const workers of [0, 2]) {
    const config = testConfig(
      pki,
      { ca: ca.url, masters: [{ name: 'm1', url: master.url }] },
      { listen: { workers }, log: { level: 'info', file: { path: '/dev/full', where: 'test.yaml' } } }
    )
    const app = await startBalancer(t, config, { logOutput: createLogOutput('/dev/full', systemRuntime) })
    const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname: 'agent1' }))
    for (;;) {
      t.equal((await agent.ask({ path: '/puppet/v3/node/agent1' })).body, 'fine')
      const faults = (await scrape(app.adminPort)).value('puppet_lb_log_faults_total', { fault: 'write' })
      if (faults === 1) break
    }
    const status = await (await fetch(`http://127.0.0.1:${app.adminPort}/api/status`)).json()
    t.match(status, { log: { fault: 'ENOSPC' } })
    t.equal((await app.reload()).ok, true, 'nor a reload from being taken')
  }
})
