import t from 'tap'
import { checkPath, pathProblems } from '../../src/puppet/path.ts'

const refused: Readonly<Record<keyof typeof pathProblems, readonly string[]>> = {
  relative: ['', '*', 'a/b', 'http://puppet:8140/puppet/v3/node/x', '?/a', '%2Fpuppet-ca', '\\puppet-ca'],
  raw: ['/a b', '/a\tb', '/a\u0000', '/a\u007f', '/ä', '/\u2215', '/puppet-ca#x', '/a%20#', '/\ud800'],
  semicolon: ['/puppet-ca;x/v1', '/puppet/v3/node/x;', '/a/..;/b', '/;?x'],
  percent: ['/%', '/a%2', '/a%zz', '/a%u0041', '/%%41', '/a%2?5', '/a/%2/b%20', '/a%+1'],
  utf8: ['/%ff', '/%c0%af', '/%c3', '/a/b/c/%e4', '/%ed%a0%80', '/%f4%90%80%80', '/%c0%ae%c0%ae/x'],
  control: ['/a%00', '/%0d%0aX:%20y', '/a/b/c/%1f', '/a%7F', '/a%C2%85', '/%09'],
  dots: [
    '/.',
    '/..',
    '/./a',
    '/../a',
    '/a/..',
    '/a/.',
    '/a/../puppet-ca',
    '/a//../b',
    '/%2e',
    '/%2e%2E/a',
    '/a/.%2e/b',
    '/a/%2e./b',
    '/a/%2e/b',
    '/a/b/c/x%2f..%2fy',
    '/a/b/c/x%5c..%5Cy',
    '/a/b/c/x\\..\\y',
    '/a/b/c/..\\y',
    '/a/b/c/x\\.',
    '/a/b/c/..%3bx/y',
    '/a/b/c/..%2f'
  ],
  slash: [
    '/%2f',
    '/puppet%2fv3/node/x',
    '/puppet-ca%2Fv1/certificate/ca',
    '/production/certificate%2fca',
    '/status/v1/simple%2Fca',
    '//status//v1//simple%2Fca',
    '/puppet\\v3',
    '/puppet%5cv3/x',
    '/a/b%5C',
    '/a/b/c\\d',
    '/a/%2e%2f/x'
  ]
}

for (const [problem, targets] of Object.entries(refused))
  t.test(`refused: the path ${pathProblems[problem as keyof typeof pathProblems]}`, async t => {
    for (const target of targets)
      t.equal(checkPath(target), pathProblems[problem as keyof typeof pathProblems], JSON.stringify(target))
  })

const accepted: Readonly<Record<string, readonly string[]>> = {
  'what agents send': [
    '/',
    '/puppet/v3/catalog/web01.example.com?environment=production',
    '/puppet/v3/file_metadatas/plugins?recurse=true&ignore=.svn&ignore=CVS&links=manage',
    '/puppet/v3/file_content/modules/ntp/.hidden%20file',
    '/production/file_bucket_file/{md5}d41d8cd98f00b204e9800998ecf8427e'
  ],
  'double slashes': ['//', '/a//b', '//a', '/puppet/v3/file_bucket_file/md5/abc//etc/motd'],
  'names that begin or end with dots': [
    '/..foo',
    '/a/...',
    '/a/.b',
    '/a/..b/c',
    '/a/b..',
    '/%2e%2efoo',
    '/a/.%2e.'
  ],
  'an encoded slash or a backslash behind the third segment': [
    '/a/b/c/%2f',
    '/a/b/c/d%2Fe',
    '/a/b/c/d%5ce',
    '/a/b/c/d\\e',
    '//a//b//c//d%2fe'
  ],
  'an encoded semicolon, question mark, hash or percent sign': [
    '/a%3Bb',
    '/a%3fb',
    '/a%23b',
    '/100%25',
    '/%252e%252e/a'
  ],
  'names in any language': ['/a/b/gr%C3%BC%C3%9Fe', '/%E6%97%A5%E6%9C%AC', '/%F0%9F%90%B6'],
  'anything in the query': ['/a?;', '/a?/../..', '/a?%', '/a?%00%ff', '/a?b#c', '/a?%2f\\', '/?http://x/']
}

for (const [what, targets] of Object.entries(accepted))
  t.test(`accepted: ${what}`, async t => {
    for (const target of targets) t.equal(checkPath(target), undefined, target)
  })

t.test('a long path full of near misses is judged in no time', async t => {
  const long = `/a/b/c${'/%2e%2eX'.repeat(20_000)}`
  const started = process.cpuUsage()
  t.equal(checkPath(long), undefined)
  t.equal(checkPath(`/${'a'.repeat(100_000)}%`), pathProblems.percent)
  t.equal(checkPath(`${'/'.repeat(100_000)}%20`), undefined)
  const { user } = process.cpuUsage(started)
  t.ok(user < 500_000, `${user} µs`)
})
