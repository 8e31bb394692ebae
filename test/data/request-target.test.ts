import t from 'tap'
import { originForm } from '../../src/data/http/request-target.ts'

for (const [target, path] of [
  ['/puppet/v3/node/x?a=b', '/puppet/v3/node/x?a=b'],
  ['//elsewhere/x', '//elsewhere/x'],
  ['https://puppet:8140/puppet/v3/node/x?a=b', '/puppet/v3/node/x?a=b'],
  ['HTTP://[::1]:8140//x', '//x'],
  ['http://puppet', '/'],
  ['http://puppet?a=b', '/?a=b'],
  ['http://a:b@puppet/x', 'http://a:b@puppet/x'],
  ['http:///x', 'http:///x'],
  ['http://puppet\\x/y', 'http://puppet\\x/y'],
  ['ftp://puppet/x', 'ftp://puppet/x'],
  ['*', '*'],
  ['puppet:8140', 'puppet:8140']
] as const) {
  t.test(`${target} asks for ${path}`, async t => {
    t.equal(originForm(target), path)
  })
}
