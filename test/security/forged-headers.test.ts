import t from 'tap'
import { connectAgent, type Question, type TestAgent } from '../support/agent.ts'
import { connectRaw } from './support/raw-connection.ts'
import { type Scene, startScene } from './support/scene.ts'

/** What proxies, web servers and masters of any age read an identity or an origin from, word by word. */
const forged = [
  'x client verify',
  'x client dn',
  'x client cert',
  'x client s dn',
  'x client',
  'x ssl client verify',
  'x ssl client dn',
  'x ssl client s dn',
  'x ssl client cert',
  'x ssl subject',
  'x ssl issuer',
  'ssl client verify',
  'ssl client s dn',
  'ssl client s dn cn',
  'ssl client cert',
  'ssl client cert chain 0',
  'x forwarded for',
  'x forwarded host',
  'x forwarded proto',
  'x forwarded client cert',
  'x forwarded',
  'forwarded',
  'x real ip',
  'client ip',
  'http x client verify',
  'http x client dn',
  'http ssl client verify'
]
const joints: readonly ((words: readonly string[]) => string)[] = [
  words => words.join('-'),
  words => words.join('_'),
  words => words.reduce((name, word, index) => `${name}${index % 2 ? '_' : '-'}${word}`),
  words => words.reduce((name, word, index) => `${name}${index % 2 ? '-' : '_'}${word}`),
  words => words.join('.')
]
const cases: readonly ((name: string) => string)[] = [
  name => name.replace(/(?<![a-z])[a-z]/g, letter => letter.toUpperCase()),
  name => name,
  name => name.toUpperCase(),
  name => name.replace(/[a-z]/g, (letter, at: number) => (at % 2 ? letter.toUpperCase() : letter))
]
const spellings = [
  ...new Set(
    forged.flatMap(words => joints.flatMap(joint => cases.map(spell => spell(joint(words.split(' '))))))
  )
]

/** Every route by which something reaches a master, and how many masters it reaches. */
const routes: readonly { what: string; question: Question; needsAllowance?: true }[] = [
  { what: 'a file', question: { path: '/puppet/v3/file_metadata/modules/a/b?environment=production' } },
  {
    what: 'a catalog',
    question: { method: 'POST', path: '/puppet/v3/catalog/agent1', body: 'environment=production' }
  },
  { what: 'a legacy catalog', question: { path: '/production/catalog/agent1' } },
  { what: 'the CA', question: { path: '/puppet-ca/v1/certificate/ca' } },
  {
    what: 'the legacy CA',
    question: { method: 'PUT', path: '/production/certificate_request/x', body: 'csr' }
  },
  {
    what: 'every master',
    question: { method: 'DELETE', path: '/puppet-admin-api/v1/environment-cache' },
    needsAllowance: true
  },
  {
    what: 'administration of one master',
    question: { path: '/status/v1/services?level=debug' },
    needsAllowance: true
  }
]

t.test('no spelling of an identity header reaches a master', async t => {
  const scene = await startScene(t, { masters: 2, overrides: { access: { administrators: ['agent1'] } } })
  const identity = await scene.pki.authority.issue({ certname: 'agent1' })
  const agents = {
    'a client without a certificate': connectAgent(t, scene.pki, scene.app.port),
    'an agent with a certificate': connectAgent(t, scene.pki, scene.app.port, identity)
  }
  for (const [who, agent] of Object.entries(agents)) {
    const hasCertificate = who === 'an agent with a certificate'
    for (const { what, question, needsAllowance } of routes) {
      if (needsAllowance && !hasCertificate) continue
      await t.test(`${who}, to ${what}`, async t => {
        const before = new Set(requests(scene))
        await askWithEverySpelling(agent, question)
        const arrived = requests(scene).filter(request => !before.has(request))
        t.ok(arrived.length >= spellings.length / 60, 'the requests themselves arrive')
        t.same(
          arrived.flatMap(({ rawHeaders }) => rawHeaders.filter(isForgedValue)),
          []
        )
        t.ok(arrived.every(({ header }) => header('x-innocent').length === 1))
        const [verify, names] = hasCertificate ? ['SUCCESS', ['CN=agent1']] : ['NONE', []]
        t.ok(arrived.every(({ rawHeaders }) => verdictsIn(rawHeaders).join() === verify))
        for (const { header } of arrived) t.same(header('x-client-dn'), names)
        for (const { header } of arrived) t.equal(header('x-client-cert').length, names.length)
      })
    }
  }
})

t.test('a header sent twice does not get one of the two through', async t => {
  const scene = await startScene(t)
  const agent = connectAgent(t, scene.pki, scene.app.port)
  const names = ['X-Client-Verify', 'x-client-verify', 'X_Client_DN', 'X_Client_DN', 'Forwarded', 'forwarded']
  const headers = ['Host', 'puppet', ...names.flatMap(name => [name, 'forged'])]
  await agent.ask({ path: '/puppet/v3/node/x', headers })
  const [request] = requests(scene)
  t.same(request?.rawHeaders.filter(isForgedValue), [])
  t.same(request?.header('x-client-verify'), ['NONE'])
})

t.test('an identity header cannot come in a trailer', async t => {
  const trailers: unknown[] = []
  const scene = await startScene(t, {
    script(request, response) {
      request.resume().once('end', () => {
        trailers.push(request.rawTrailers)
        response.end()
      })
    }
  })
  const raw = await connectRaw(t, scene.pki, scene.app.port)
  const answer = await raw.ask(
    'POST /puppet/v3/catalog/x HTTP/1.1\r\nHost: puppet\r\nTransfer-Encoding: chunked\r\n' +
      'Trailer: X-Client-Verify, X-Client-DN\r\n\r\n' +
      '2\r\nok\r\n0\r\nX-Client-Verify: forged\r\nX-Client-DN: forged\r\n\r\n'
  )
  t.equal(answer.status, 200)
  const [request] = requests(scene)
  t.same(request?.rawHeaders.filter(isForgedValue), [])
  t.same(request?.header('trailer'), [])
  t.same(trailers, [[]])
})

/** Asks as often as it takes to send every spelling, in requests of a size that masters accept. */
async function askWithEverySpelling(agent: TestAgent, question: Question): Promise<void> {
  for (let at = 0; at < spellings.length; at += 60) {
    const pairs = spellings.slice(at, at + 60).flatMap(name => [name, `forged-${name}`])
    const length =
      question.body === undefined ? [] : ['Content-Length', String(question.body.toString().length)]
    const headers = ['Host', 'puppet', ...pairs, 'X-Innocent', 'kept', ...length]
    await agent.ask({ ...question, headers })
  }
}

function requests({ ca, masters }: Scene) {
  return [ca, ...masters].flatMap(({ seen }) => seen)
}

function isForgedValue(value: string): boolean {
  return value.startsWith('forged')
}

/** Values of every header that some master might take for the verdict on the certificate. */
function verdictsIn(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter(
    (_, index) => index % 2 === 1 && /client.?verify$/i.test(rawHeaders[index - 1] ?? '')
  )
}
