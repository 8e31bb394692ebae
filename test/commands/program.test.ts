import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { run } from '../../src/commands/program.ts'
import { minimal, pemFiles } from '../config/fixture.ts'

/** Runs a command line and keeps what it prints. */
async function puppetLb(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  let out = ''
  let err = ''
  const code = await run(args, {
    out: text => {
      out += text
    },
    err: text => {
      err += text
    },
    env
  })
  return { code, out, err }
}

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const commands = [
  ...['serve', 'demo', 'check', 'route', 'why', 'status', 'agents', 'reload', 'doctor'],
  ...['drain', 'undrain', 'maint', 'weight', 'deployed', 'enroll']
]

t.test('the version is that of the package', async t => {
  t.same(await puppetLb(['--version']), { code: 0, out: `${manifest.version}\n`, err: '' })
})

t.test('the help names every command', async t => {
  const { code, out } = await puppetLb(['--help'])
  t.equal(code, 0)
  for (const command of commands) t.match(out, new RegExp(`^ {2}${command} `, 'm'))
})

for (const command of commands) {
  t.test(`${command} --help describes the command`, async t => {
    const { code, out, err } = await puppetLb([command, '--help'])
    t.match(out, new RegExp(`^Usage: puppet-lb ${command} `))
    t.equal(code, 0)
    t.equal(err, '')
  })
}

const mistakes: readonly (readonly [line: string, sentence: string])[] = [
  ['chek', "puppet-lb: unknown command 'chek' (Did you mean check?)\n"],
  ['frobnicate', "puppet-lb: unknown command 'frobnicate'\n"],
  ['check', "puppet-lb: required option '--config <file>' not specified\n"],
  ['serve', "puppet-lb: required option '--config <file>' not specified\n"],
  ['route GET /', "puppet-lb: required option '--config <file>' not specified\n"],
  ['check --against-running', "puppet-lb: required option '--config <file>' not specified\n"],
  ...['serve', 'check', 'route GET /', 'why a', 'status', 'reload'].map(
    line => [`${line} --confg x`, "puppet-lb: unknown option '--confg' (Did you mean --config?)\n"] as const
  ),
  ['enroll --name a', "puppet-lb: options '--ca-url', '--name' and '--dir' are needed, or '--config'\n"],
  [
    'enroll --config a --name b',
    "puppet-lb: option '--config <file>' cannot be used with option '--name <certname>'\n"
  ],
  [
    'enroll --ca-fingerprint AB',
    "puppet-lb: option '--ca-fingerprint <sha256>' argument 'AB' is invalid. It is \"AB\", must be a SHA-256 fingerprint: 64 hexadecimal digits, with colons or without.\n"
  ],
  ['serve --frobnicate', "puppet-lb: unknown option '--frobnicate'\n"],
  ['check --config', "puppet-lb: option '--config <file>' argument missing\n"],
  [
    'route GET / --config a --certnam b',
    "puppet-lb: unknown option '--certnam' (Did you mean --certname?)\n"
  ],
  ['check --config a b', "puppet-lb: too many arguments for 'check'. Expected 0 arguments but got 1: b.\n"],
  ['why', "puppet-lb: missing required argument 'request-id'\n"],
  ...['b:9140', 'ftp://b', 'unix:', 'unix:admin.sock', '/run/admin.sock'].map(
    admin =>
      [
        `status --admin ${admin}`,
        `puppet-lb: option '--admin <url>' argument '${admin}' is invalid. It must be a URL such as http://127.0.0.1:9140, or unix: and the path of a socket.\n`
      ] as const
  ),
  ...['why a', 'status', 'reload'].map(
    line =>
      [
        `${line} --admin http://b --config c`,
        "puppet-lb: option '--admin <url>' cannot be used with option '--config <file>'\n"
      ] as const
  ),
  ['route GET --config a', "puppet-lb: missing required argument 'path'\n"],
  [
    'demo --port x',
    "puppet-lb: option '--port <n>' argument 'x' is invalid. It must be a whole number from 0 to 65535.\n"
  ],
  [
    'demo --admin-port 65536',
    "puppet-lb: option '--admin-port <n>' argument '65536' is invalid. It must be a whole number from 0 to 65535.\n"
  ]
]

for (const [line, sentence] of mistakes) {
  t.test(`"puppet-lb ${line}" ends with 1 and one sentence`, async t => {
    t.same(await puppetLb(line.split(' ')), { code: 1, out: '', err: sentence })
  })
}

t.test('without a command the help is printed and the exit code is 1', async t => {
  const { code, err } = await puppetLb([])
  t.equal(code, 1)
  t.match(err, /^Usage: puppet-lb /)
})

t.test('what no command foresaw ends with 2 and one sentence', async t => {
  const io = { out: () => t.fail('nothing to print'), err: (text: string) => printed.push(text), env: {} }
  const printed: string[] = []
  const broken = {
    ...io,
    out: () => {
      throw new Error('the terminal is gone')
    }
  }
  const directory = t.testdir({ ...pemFiles, 'lb.yaml': minimal() })
  t.equal(await run(['check', '--config', join(directory, 'lb.yaml')], broken), 2)
  t.equal(printed.at(-1), 'puppet-lb: the terminal is gone\n')
})

t.test('a wrong configuration ends every command that reads one with 1 and the list of problems', async t => {
  const file = join(t.testdir({ 'lb.yaml': 'listen: { prot: 1 }\n' }), 'lb.yaml')
  const lines = new RegExp(
    `^${file}:1:1 tls: is missing, .*\n${file}:1:1 ca: .*\n${file}:1:1 masters: .*\n${file}:1:11 listen.prot: .*\n$`
  )
  for (const line of ['check', 'check --against-running', 'serve', 'route GET /']) {
    const { code, out, err } = await puppetLb([...line.split(' '), '--config', file])
    t.equal(code, 1, line)
    t.equal(out, '', line)
    t.match(err, lines, line)
  }
})

t.test('commands that ask a running balancer mind only where that is', async t => {
  const file = join(t.testdir({ 'lb.yaml': 'listen: { prot: 1 }\nadmin: { port: 0x }\n' }), 'lb.yaml')
  for (const line of ['why a', 'status', 'reload']) {
    const { code, out, err } = await puppetLb([...line.split(' '), '--config', file])
    t.match({ code, out, err }, { code: 1, out: '', err: /^\S+:2:16 admin\.port: is "0x"[^\n]*\n$/ }, line)
  }
})

t.test('the program itself passes arguments, environment and exit code on', async t => {
  const file = join(t.testdir({ ...pemFiles, 'lb.yaml': minimal() }), 'lb.yaml')
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const start = (port: string) =>
    spawnSync(process.execPath, [main, 'check', '--config', file], {
      encoding: 'utf8',
      env: { PUPPET_LB_LISTEN_PORT: port }
    })
  t.match(start('18140'), {
    status: 0,
    stdout: /^.*\/lb\.yaml: OK\n.*(\[::\]|0\.0\.0\.0):18140/,
    stderr: /^warning: \S+ tls\.crl: is missing[^\n]*\n$/
  })
  t.match(start('x'), { status: 1, stdout: '', stderr: /^env:PUPPET_LB_LISTEN_PORT listen\.port: is "x"/ })
  t.match(readFileSync(main, 'utf8'), /^#!\/usr\/bin\/env -S node --disable-sigusr1\n/)
})
