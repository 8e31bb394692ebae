import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const master = await startScriptedMaster(t, (_request, response) => response.end())
const app = await startBalancer(
  t,
  testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
)
const agent = connectAgent(t, pki, app.port)

const metadata = '/puppet/v3/file_metadata/modules'
const targets: Readonly<Record<string, string>> = {
  'an empty path segment, as in a filebucket key':
    '/puppet/v3/file_bucket_file/md5/0cc175b9c0f1b6a8//etc/motd',
  'a doubled slash at the front': '//puppet/v3/node/a.example.com',
  'an escaped letter': `${metadata}/%41pache/a`,
  'lower-case escapes': `${metadata}/a/%c3%a9`,
  'an escaped slash behind the service': `${metadata}/a%2Fb`,
  'an escaped percent sign': `${metadata}/100%25`,
  'a plus sign': `${metadata}/g++/a+b?x=a+b`,
  'a dot in front of a name, and two': `${metadata}/.bashrc/..foo/a..b`,
  'a semicolon in the query': `${metadata}/a?links=manage;checksum_type=md5`,
  'a query that names one thing twice, and nothing': `${metadata}/a?ignore[]=.svn&ignore[]=CVS&x=&=y&&z`,
  'dot segments and a whole URL in the query': `${metadata}/a?x=/../..&y=http://other.example.com/%2e%2e/`,
  'a bare question mark': `${metadata}/a?`,
  'two question marks': `${metadata}/a?b?c`,
  'punctuation that may stand as it is': `${metadata}/~a!b$c'(d)*e,f=g:h@i`,
  'a query of 3 KB': `/production/node/a.example.com?facts=${'%257B%2522a'.repeat(280)}`
}
for (const [what, target] of Object.entries(targets)) {
  t.test(`${what} reaches the master byte for byte`, async t => {
    const before = master.seen.length
    t.equal((await agent.ask({ path: target })).status, 200)
    t.same(
      master.seen.slice(before).map(seen => seen.url),
      [target]
    )
  })
}
