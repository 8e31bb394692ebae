import t from 'tap'
import { codeVersionOf, environmentNamed, namesOf } from '../../src/puppet/code-version.ts'

const names = namesOf('m1', 'compile-1.example.com', undefined)
const of = (version: string | undefined, codeId?: string, environment = 'production') =>
  codeVersionOf({ version, codeId, environment }, names)

t.test('the code_id goes before the config_version', async t => {
  t.equal(of('v1', 'id-1'), 'id-1')
  t.equal(of('v1'), 'v1')
  t.equal(of(undefined), undefined)
  t.equal(of('  \n'), undefined)
})

t.test('seconds since 1970 say when code was read, and not which', async t => {
  t.equal(of('1764000000'), undefined)
  t.equal(of('1764000000.25'), undefined)
  t.equal(of('17640000001'), '17640000001')
  t.equal(of('deploy-1764000000'), 'deploy-1764000000')
})

// The control repositories of Puppet's own template put the host before the commit.
t.test('the name of the master is left out, so that versions can be compared', async t => {
  t.equal(of('compile-1-production-4f1c2a'), '*-production-4f1c2a')
  t.equal(of('COMPILE-1.example.com_4f1c2a'), '*_4f1c2a')
  t.equal(of('4f1c2a (m1)'), '4f1c2a (*)')
  t.equal(of('compile-12-4f1c2a'), 'compile-12-4f1c2a', 'only as a word')
  t.equal(of('xcompile-1-4f'), 'xcompile-1-4f')
  t.equal(codeVersionOf({ version: 'a.b 1', codeId: undefined, environment: 'e' }, ['a.b', '(']), '* 1')
})

t.test('but not when it is all there is, or the name of the environment', async t => {
  t.equal(of('m1'), 'm1')
  t.equal(of('m1-4f', undefined, 'm1'), 'm1-4f')
})

t.test('an address is one name, a host name two', async t => {
  t.same(namesOf('a', '192.0.2.1'), ['a', '192.0.2.1'])
  t.same(namesOf('a', 'b.example.com', undefined), ['a', 'b.example.com', 'b'])
})

t.test('nothing in it moves a terminal', async t => {
  t.equal(of('v1\u001b[2J\u202e'), 'v1[2J')
})

t.test('what cannot be the name of an environment is none', async t => {
  t.equal(environmentNamed('production_2'), 'production_2')
  for (const name of [undefined, '', 'a b', '../x', 'a"b', 'é', 'x'.repeat(101)])
    t.equal(environmentNamed(name), undefined)
})
