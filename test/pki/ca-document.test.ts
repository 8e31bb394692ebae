import t from 'tap'
import { type DocumentTask, judgeDocument } from '../../src/pki/ca-document.ts'
import type { AuthorityList } from '../../src/pki/crl.ts'
import { createAuthority, loadAuthority, renewAuthority } from '../../src/simulation/certificates.ts'

const authority = await createAuthority()
const stranger = await createAuthority()
const day = 86_400_000
const nowMs = Date.now()

function judge(kind: DocumentTask['kind'], text: string, task: Partial<DocumentTask> = {}) {
  const defaults = { trusted: authority.bundle, given: '', lists: [], nowMs }
  return judgeDocument({ ...defaults, ...task, kind, body: Buffer.from(text) })
}

function listsOf(text: string, task?: Partial<DocumentTask>): readonly AuthorityList[] {
  const verdict = judge('crl', text, task)
  if (!verdict.isFit) throw new Error(verdict.cause)
  return verdict.lists
}

t.test('certificates of CAs are fit, one of ours among them', async t => {
  t.match(judge('certificate', authority.bundle), { isFit: true })
  t.match(judge('certificate', `a word before\n${authority.bundle}`), { isFit: true })
  t.match(judge('certificate', authority.bundle + stranger.bundle), { isFit: true })
  t.match(judge('certificate', (await renewAuthority(authority)).bundle), { isFit: true }, 'its renewed ones')
})

t.test('what is no PEM of such certificates is not', async t => {
  const leaf = await authority.issue({ certname: 'web-1.example.com' })
  for (const [text, cause] of [
    ['', /^holds no certificate$/],
    ['<html>Welcome</html>', /^holds no certificate$/],
    [await authority.crl(), /^holds no certificate$/],
    [authority.bundle.slice(0, -40), /begun and not ended/],
    [leaf.chain, /^holds a certificate that is not a CA's$/],
    [stranger.bundle, /^holds none of the certificates of tls\.ca$/]
  ] as const) {
    const verdict = judge('certificate', text)
    t.equal(verdict.isFit, false, text.slice(0, 30))
    t.match(verdict, { cause })
  }
})

t.test('lists that our CAs signed are fit, and those of the CAs that it gives', async t => {
  t.equal(listsOf(await authority.crl()).length, 2)
  t.match(judge('crl', await stranger.crl()), { isFit: false, cause: /no CA of tls\.ca signed/ })
  t.equal(listsOf(await stranger.crl(), { given: stranger.bundle }).length, 2)
})

t.test('what is no PEM of lists is not', async t => {
  const crl = await authority.crl()
  for (const text of ['', 'running', authority.bundle, crl.slice(0, -40)])
    t.equal(judge('crl', text).isFit, false, text.slice(0, 30))
  t.match(judge('crl', await authority.crl({ thisUpdate: new Date(nowMs + day) })), { isFit: false })
})

t.test('a list never follows a newer one', async t => {
  const older = await authority.crl()
  const newer = await authority.crl({ revoked: ['0A'] })
  const kept = listsOf(newer)
  t.match(judge('crl', older, { lists: kept }), { isFit: false, cause: /older/ })
  t.equal(listsOf(newer, { lists: listsOf(older) }).length, 2, 'but a newer one an older one')
  t.match(judge('crl', newer, { lists: kept }), { isFit: true }, 'and the same the same')
})

t.test('the list of infrastructure nodes follows the full one, since the CA gives nothing else', async t => {
  const lone = await createAuthority({ intermediate: false })
  const task = { trusted: lone.bundle }
  const saved = lone.save()
  const counting = loadAuthority(saved)
  for (let number = 0; number < 5; number++) await counting.crl()
  const full = await counting.crl({ revoked: ['0A', '0B'], thisUpdate: new Date(nowMs - day) })
  const infrastructure = await loadAuthority(saved).crl({ thisUpdate: new Date(nowMs) })
  t.match(judge('crl', infrastructure, { ...task, lists: listsOf(full, task) }), { isFit: true })
})
