import t from 'tap'
import { classify } from '../../src/puppet/endpoint.ts'

const sum = 'd41d8cd98f00b204e9800998ecf8427e'
const pinOf = (method: string, url: string) => classify(method, url, undefined).pinKey

t.test('every spelling of one checksum meets the same master', async t => {
  const spellings = [
    `/puppet/v3/file_bucket_file/md5/${sum}?environment=production`,
    `/puppet/v3/file_bucket_file/md5/${sum}/`,
    `/puppet/v3/file_bucket_file/md5/${sum}//etc/motd`,
    `/puppet/v3/file_bucket_file/md5/${sum}/etc/pass%20wd`,
    `/puppet/v3/file_bucket_file/md5%2F${sum}`,
    `/puppet/v3/file_bucket_file//md5//${sum}`,
    `/puppet/v3/file_bucket_file/MD5/${sum.toUpperCase()}`,
    `/puppet/v3/file%5Fbucket_file/md5/${sum}`,
    `/testing/file_bucket_file/md5/${sum}/etc/hosts`,
    `/production/file_bucket_file/{md5}${sum}`,
    `/production/file_bucket_file/%7Bmd5%7D${sum}`
  ]
  for (const method of ['HEAD', 'GET', 'PUT', 'POST'])
    for (const url of spellings) t.equal(pinOf(method, url), `md5/${sum}`, `${method} ${url}`)
})

t.test('another type or another sum is another key', async t => {
  t.equal(pinOf('GET', `/puppet/v3/file_bucket_file/sha256lite/${sum}`), `sha256lite/${sum}`)
  t.equal(pinOf('GET', '/puppet/v3/file_bucket_file/md5/0cc175b9c0f1b6a8'), 'md5/0cc175b9c0f1b6a8')
})

t.test('without a checksum there is nothing to pin', async t => {
  for (const key of [
    '',
    '/',
    '/md5',
    '/md5/',
    '/md5/xyz',
    `/${sum}`,
    `/md5/${sum}0g`,
    `/md5/${'a'.repeat(129)}`
  ]) {
    const endpoint = classify('GET', `/puppet/v3/file_bucket_file${key}`, undefined)
    t.equal(endpoint.class, 'filebucket')
    t.equal(endpoint.pinKey, undefined, key)
  }
})

t.test('nothing else is pinned', async t => {
  t.equal(pinOf('GET', `/puppet/v3/file_content/file_bucket_file/md5/${sum}`), undefined)
  t.equal(pinOf('GET', `/puppet-ca/v1/file_bucket_file/md5/${sum}`), undefined)
})

t.test('a store is not repeated, and a pinned endpoint is as frozen as the others', async t => {
  const store = classify('PUT', `/puppet/v3/file_bucket_file/md5/${sum}`, undefined)
  t.equal(store.repeatable, false)
  t.ok(Object.isFrozen(store))
})
