import { execFileSync } from 'node:child_process'
import { renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/config/problems.ts'
import { pemFiles } from '../config/fixture.ts'

/** Every file that a configuration names, by the key; each is there and right until a test puts something odd in its place. */
const names = {
  'tls.cert': 'server.pem',
  'tls.key': 'server.key',
  'tls.ca': 'ca.pem',
  'tls.crl.file': 'crl.pem',
  'upstream.tls.ca': 'upstream.pem',
  'admin.token.file': 'token'
}
const yaml = `
tls: { cert: server.pem, key: server.key, ca: ca.pem, crl: { file: crl.pem } }
upstream: { tls: { ca: upstream.pem } }
ca: { url: https://ca.example.com:8140 }
masters: [{ name: alpha, url: https://alpha.example.com:8140 }]
admin: { token: { file: token } }
`
const odd: Readonly<Record<string, readonly [make: (file: string) => void, cause: RegExp]>> = {
  'a pipe that nobody writes to': [
    file => void execFileSync('mkfifo', [file]),
    /there is a pipe or a device, not a file/
  ],
  '/dev/zero': [file => symlinkSync('/dev/zero', file), /there is a pipe or a device, not a file/],
  'a directory': [file => symlinkSync('/', file), /there is a directory, not a file/],
  'a file without end': [
    file => {
      writeFileSync(file, '')
      truncateSync(file, 2 ** 31)
    },
    /there is a file that is too long/
  ]
}

function setUp(t: { testdir: (content: Record<string, string>) => string }) {
  const directory = t.testdir({
    ...pemFiles,
    'upstream.pem': pemFiles['ca.pem'],
    token: '0123456789abcdef',
    'puppet-lb.yaml': yaml
  })
  const config = join(directory, 'puppet-lb.yaml')
  return {
    directory,
    load(): readonly string[] {
      try {
        loadConfig(config, {})
        return []
      } catch (error) {
        if (error instanceof ConfigError) return error.lines
        throw error
      }
    }
  }
}

for (const [what, [make, cause]] of Object.entries(odd)) {
  t.test(`${what} in place of any file is told at once, and neither waited for nor read`, async t => {
    const { directory, load } = setUp(t)
    t.same(load(), [])
    for (const [key, name] of Object.entries(names)) {
      const file = join(directory, name)
      renameSync(file, `${file}.good`)
      make(file)
      const lines = load().filter(line => line.includes(` ${key}: `))
      t.equal(lines.length, 1, key)
      t.match(lines[0], cause)
      rmSync(file)
      renameSync(`${file}.good`, file)
    }
    const config = join(directory, 'puppet-lb.yaml')
    rmSync(config)
    make(config)
    t.match(load(), [cause], 'the configuration itself')
  })
}
