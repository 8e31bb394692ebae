import t from 'tap'
import { type DemoFacts, demoGuide } from '../../src/demo/demo-guide.ts'

const facts: DemoFacts = {
  curl: { agent: '/home/me/lb/certs-dev/agent.curl', operator: '/home/me/lb/certs-dev/operator.curl' },
  caFile: '/home/me/lb/certs-dev/ca.pem',
  configFile: '/home/me/lb/certs-dev/puppet-lb.yaml',
  agentCount: 5,
  host: '127.0.0.1',
  port: 8140,
  adminPort: 9140,
  mainFile: '/home/me/lb/src/main.ts',
  nodeFile: '/home/me/lb/node_modules/node/bin/node',
  isElsewhere: false,
  isTour: false,
  pid: 1234567,
  cwd: '/home/me/lb'
}
const linesOf = (more: Partial<DemoFacts> = {}) => demoGuide({ ...facts, ...more }).split('\n')

t.test('it begins with the page and the tour, and fits on one screen', async t => {
  const lines = linesOf()
  t.match(lines, ['Status page: http://127.0.0.1:9140/', /^npm start -- --tour /, ''])
  t.ok(lines.length <= 32)
  for (const line of linesOf({ agentCount: 1000 })) t.ok(line.length <= 80, line)
})

t.test('a tour that begins is told of in place of how to begin it', async t => {
  const [, second] = linesOf({ isTour: true })
  t.match(second, /^The tour .* about two minutes\.$/)
})

t.test('a balancer that commands would not find by themselves is named to them', async t => {
  const lines = linesOf({ adminPort: 9999, isElsewhere: true })
  const commands = lines.filter(line => line.includes('src/main.ts'))
  t.equal(commands.length, 4)
  for (const command of commands) t.match(command, / --admin http:\/\/127\.0\.0\.1:9999$/)
})

t.test('what is not below the directory is named by its whole path', async t => {
  t.ok(
    linesOf({ cwd: '/tmp' }).includes(
      '  /home/me/lb/node_modules/node/bin/node /home/me/lb/src/main.ts status'
    )
  )
})

t.test('agents are told to come where it serves', async t => {
  const places = {
    '0.0.0.0': 'localhost',
    '::': 'localhost',
    '192.0.2.7': '192.0.2.7',
    '2001:db8::7': '[2001:db8::7]'
  }
  for (const [host, name] of Object.entries(places))
    t.match(linesOf({ host }).join('\n'), `Agents are served at https://${name}:8140,`)
})
