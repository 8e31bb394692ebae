import t from 'tap'
import { environmentInForm, environmentOf } from '../../src/puppet/environment.ts'

const targets: readonly (readonly [target: string, environment: string | undefined])[] = [
  ['/puppet/v3/catalog/a?environment=canary', 'canary'],
  ['/puppet/v3/catalog/a?x=1&environment=canary&y=2', 'canary'],
  ['/puppet/v3/catalog/a?environment=%63anary', 'canary'],
  ['/puppet/v3/catalog/a?environment=a%2Fb', undefined],
  ['/puppet/v3/catalog/a?environment=', undefined],
  ['/puppet/v3/catalog/a?configured_environment=canary', undefined],
  ['/puppet/v3/catalog/a', undefined],
  ['/canary/catalog/a', 'canary'],
  ['//canary//file_metadatas/a?environment=other', 'canary'],
  ['/%63anary/catalog/a', 'canary'],
  ['/puppet/catalog/a', 'puppet'],
  ['/puppet/v3/file_content/modules/m/f', undefined],
  ['/status/v1/services', undefined],
  ['/canary/anything/a', undefined],
  ['/ca-nary/catalog/a', undefined]
]
for (const [target, environment] of targets) {
  t.test(`${target} names ${environment ?? 'no environment'}`, async t => {
    t.equal(environmentOf(target), environment)
  })
}

t.test('a form names its environment, if that is there whole', async t => {
  t.equal(environmentInForm('facts_format=pson&environment=canary&facts=%7B', false), 'canary')
  t.equal(environmentInForm('environment=canary', true), 'canary')
  t.equal(environmentInForm('facts=x&environment=cana', false), undefined)
  t.equal(environmentInForm('environment=cana', false), undefined)
  t.equal(environmentInForm('facts=environment%3Dx', true), undefined)
  t.equal(environmentInForm('{"environment":"x"}', true), undefined)
})
