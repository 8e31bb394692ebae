import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { certifiersOf, issueSubject, type Subject } from './support/odd-certificates.ts'
import { startScene } from './support/scene.ts'

const node = '/puppet/v3/node/x?environment=production'

t.test('a certname is escaped as RFC 2253 asks, so that it stays one name in the DN', async t => {
  const { app, masters, pki } = await startScene(t)
  for (const [certname, dn] of [
    ['agent1.example.com', 'CN=agent1.example.com'],
    ['a,O=Wheel', 'CN=a\\,O\\=Wheel'],
    ['a+b', 'CN=a\\+b'],
    ['say "hi"', 'CN=say \\"hi\\"'],
    ['back\\slash', 'CN=back\\\\slash'],
    ['<a>;b', 'CN=\\<a\\>\\;b'],
    ['#1', 'CN=\\#1'],
    [' outer ', 'CN=\\20outer\\20'],
    ['Old.Capitals', 'CN=Old.Capitals']
  ] as const) {
    const identity = await issueSubject(certifiersOf(pki.authority), [['CN', certname]])
    const answer = await connectAgent(t, pki, app.port, identity).ask({ path: node })
    t.equal(answer.status, 200, certname)
    t.same(masters[0]?.seen.at(-1)?.header('x-client-dn'), [dn])
  }
})

t.test('only the common name of a subject with more in it is told', async t => {
  const { app, masters, pki } = await startScene(t)
  const identity = await issueSubject(certifiersOf(pki.authority), [
    ['O', 'Example'],
    ['CN', 'agent1.example.com'],
    ['OU', 'CN=root']
  ])
  await connectAgent(t, pki, app.port, identity).ask({ path: node })
  t.same(masters[0]?.seen[0]?.header('x-client-dn'), ['CN=agent1.example.com'])
})

t.test('a certificate whose subject is not one certname is refused, by the CA routes as well', async t => {
  const { app, reached, pki } = await startScene(t)
  const subjects: readonly [what: string, subject: Subject][] = [
    [
      'two common names',
      [
        ['CN', 'agent1'],
        ['CN', 'root']
      ]
    ],
    ['two common names in one part', [['CN', 'agent1', 'root']]],
    ['no common name', [['O', 'Example']]],
    ['an empty common name', [['CN', '']]],
    ['an empty subject', []],
    ['a slash', [['CN', '../root']]],
    ['a line break', [['CN', 'agent1\r\nX-Client-Verify: SUCCESS']]],
    ['a NUL', [['CN', 'root\u0000.example.com']]],
    ['letters beyond ASCII', [['CN', '\u0430gent1.example.com']]]
  ]
  for (const [what, subject] of subjects) {
    const identity = await issueSubject(certifiersOf(pki.authority), subject)
    const agent = connectAgent(t, pki, app.port, identity)
    for (const path of [node, '/puppet-ca/v1/certificate/ca']) {
      const answer = await agent.ask({ path })
      t.equal(answer.status, 403, `${what}: ${path}`)
      t.equal(answer.headers['x-puppet-lb-reason'], 'certificate-refused')
      t.match(answer.body, /its subject is not a single valid certname/)
    }
  }
  t.same(reached(), [])
})
