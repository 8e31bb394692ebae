import t from 'tap'
import { load, minimal, problemsOf } from './fixture.ts'

const secret = 'correct-horse-battery-staple'
const named = minimal('admin: { token: { file: admin.token } }')
const variable = 'PUPPET_LB_ADMIN_TOKEN'

function tokenOf(content: string): string | undefined {
  return load(t, named, { files: { 'admin.token': content } }).boot.admin.token
}

t.test('a token is the content of its file without what stands around it', async t => {
  for (const content of [secret, `${secret}\n`, `${secret}\r\n`, `\n  ${secret} \n`, `\u{feff}${secret}`]) {
    t.equal(tokenOf(content), secret, JSON.stringify(content))
  }
})

t.test('a token may have 16 characters and no fewer', async t => {
  t.equal(tokenOf('x'.repeat(16)), 'x'.repeat(16))
  t.equal(tokenOf('~'.repeat(1024)), '~'.repeat(1024))
})

/** What a file must not hold, and what is wrong with it. */
const unusable: readonly (readonly [content: string, problem: string])[] = [
  ['', 'that is empty'],
  [' \n', 'that is empty'],
  ['s3cret', 'that is too short'],
  ['x'.repeat(15), 'that is too short'],
  ['x'.repeat(1025), 'that is too long'],
  ['s3cret s3cret s3cret', 'with spaces, control characters or letters beyond ASCII'],
  ['s3cret-s3cret\ns3cret-s3cret', 'with spaces, control characters or letters beyond ASCII'],
  ['s3cret-s3cret-s3cr\u{e9}t', 'with spaces, control characters or letters beyond ASCII'],
  ['s3cret-s3cret-\u{7}-s3cret', 'with spaces, control characters or letters beyond ASCII']
]

for (const [content, problem] of unusable) {
  const allowed = 'must be 16 to 1024 printable ASCII characters without spaces'

  t.test(`${JSON.stringify(content.slice(0, 30))} is no token, and is not shown`, async t => {
    t.same(problemsOf(t, named, { files: { 'admin.token': content } }), [
      `puppet-lb.yaml:5:25 admin.token.file: names admin.token, which holds a token ${problem}; ${allowed}`
    ])
    t.same(problemsOf(t, minimal(), { env: { [variable]: content } }), [
      `env:${variable}: is a token ${problem}; ${allowed}`
    ])
  })
}

t.test('the variable holds the token itself and wins over the file, which need not be there', async t => {
  const env = { [variable]: `${secret}\n` }
  t.equal(load(t, minimal(), { env }).boot.admin.token, secret)
  t.equal(load(t, named, { env, files: { 'admin.token': 'x'.repeat(20) } }).boot.admin.token, secret)
  t.equal(load(t, named, { env }).boot.admin.token, secret)
})

t.test('where the file is can be said in a variable too', async t => {
  const env = { PUPPET_LB_ADMIN_TOKEN_FILE: 'other.token' }
  t.equal(load(t, minimal(), { env, files: { 'other.token': secret } }).boot.admin.token, secret)
})

t.test('a file of a token that is not there is told', async t => {
  t.same(problemsOf(t, named), [
    'puppet-lb.yaml:5:25 admin.token.file: is "admin.token", but there is no file at admin.token; must be a file this user can read'
  ])
})

t.test('what may be the token itself in place of its file is not shown', async t => {
  t.same(problemsOf(t, minimal(`admin: { token: { file: ${secret} } }`)), [
    'puppet-lb.yaml:5:25 admin.token.file: names a file, but there is no file there; must be a file this user can read'
  ])
})

t.test('without file and variable there is no token', async t => {
  t.equal(load(t, minimal('admin:\n  token:\n    # file: x\n')).boot.admin.token, undefined)
})
