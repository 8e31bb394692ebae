import t from 'tap'
import { ca, load, masters, minimal, problemsOf, tls } from './fixture.ts'

const file = 'puppet-lb.yaml'

/** What a fifth line says, and what is wrong with it. */
const wrongValues: readonly (readonly [line: string, problem: string])[] = [
  ['listen: { port: 65536 }', '5:17 listen.port: is 65536, must be a whole number from 0 to 65535'],
  ['listen: { port: "8140" }', '5:17 listen.port: is "8140", must be a whole number from 0 to 65535'],
  ['listen: { port: 81.4 }', '5:17 listen.port: is 81.4, must be a whole number from 0 to 65535'],
  ['listen: { port: }', '5:11 listen.port: is empty, must be a whole number from 0 to 65535'],
  ['listen: { port: [1] }', '5:17 listen.port: is a list, must be a whole number from 0 to 65535'],
  [
    'listen: { port: { a: 1 } }',
    '5:11 listen.port: is a group of keys, must be a whole number from 0 to 65535'
  ],
  ['listen: { workers: few }', '5:20 listen.workers: is "few", must be auto or a whole number from 0 to 256'],
  ['listen: { workers: -1 }', '5:20 listen.workers: is -1, must be auto or a whole number from 0 to 256'],
  ['listen: { workers: 257 }', '5:20 listen.workers: is 257, must be auto or a whole number from 0 to 256'],
  [
    'listen: { host: "[::]" }',
    '5:17 listen.host: is "[::]", must be an IP address or host name to listen on, IPv6 without brackets'
  ],
  [
    'listen: { drainTimeout: 5 }',
    '5:25 listen.drainTimeout: is 5, must be a duration from 0s to 24h, written like 250ms, 5s, 10m or 1h'
  ],
  [
    'listen: { drainTimeout: 25h }',
    '5:25 listen.drainTimeout: is "25h", must be a duration from 0s to 24h, written like 250ms, 5s, 10m or 1h'
  ],
  [
    'upstream: { connectTimeout: 9ms }',
    '5:29 upstream.connectTimeout: is "9ms", must be a duration from 10ms to 5m, written like 250ms, 5s, 10m or 1h'
  ],
  [
    'upstream: { tls: { dangerouslySkipVerification: yes } }',
    '5:49 upstream.tls.dangerouslySkipVerification: is "yes", must be true or false'
  ],
  ['upstream: { tls: { serverName: "a b" } }', '5:32 upstream.tls.serverName: is "a b", must be a host name'],
  ['health: { path: status }', '5:17 health.path: is "status", must be a path that begins with /'],
  ['health: { rise: 0 }', '5:17 health.rise: is 0, must be a whole number from 1 to 100'],
  ['health: { fall: 101 }', '5:17 health.fall: is 101, must be a whole number from 1 to 100'],
  [
    'balance: { policy: fastest }',
    '5:20 balance.policy: is "fastest", must be one of least-loaded, round-robin, rendezvous'
  ],
  ['admin: { allow: ops }', '5:17 admin.allow: is "ops", must be a list of certnames'],
  ['admin: { allow: [a/b] }', '5:18 admin.allow[0]: is "a/b", must be a certname, without slash'],
  ['access: { administrators: ops }', '5:27 access.administrators: is "ops", must be a list of certnames'],
  [
    'access: { administrators: [a/b] }',
    '5:28 access.administrators[0]: is "a/b", must be a certname, without slash'
  ],
  ['reload: never', '5:9 reload: is "never", must be one of watch, signal'],
  ['admin: { hosts: lb }', '5:17 admin.hosts: is "lb", must be a list of host names'],
  ['admin: { hosts: ["a:9140"] }', '5:18 admin.hosts[0]: is "a:9140", must be a host name'],
  ['admin: { metricsToken: 1 }', '5:24 admin.metricsToken: is 1, must be true or false'],
  [
    'admin: { socket: lb.sock }',
    '5:18 admin.socket: is "lb.sock", must be an absolute path of at most 100 bytes'
  ],
  [
    'admin: { socket: /run/ }',
    '5:18 admin.socket: is "/run/", must be an absolute path of at most 100 bytes'
  ],
  [
    'admin: { token: s3cret-of-the-operators }',
    '5:17 admin.token: must be a group of the key file: the token itself belongs into a file'
  ],
  ['queue: { limit: 10001 }', '5:17 queue.limit: is 10001, must be a whole number from 0 to 10000'],
  [
    'log: { level: loud }',
    '5:15 log.level: is "loud", must be one of trace, debug, info, warn, error, fatal, silent'
  ],
  ['log: info', '5:6 log: is "info", must be a group of the keys level, access, file'],
  [
    'health: []',
    '5:9 health: is an empty list, must be a group of the keys path, interval, timeout, rise, fall'
  ]
]

for (const [line, problem] of wrongValues) {
  t.test(`${line} is refused with what is allowed`, async t => {
    t.same(problemsOf(t, minimal(line)), [`${file}:${problem}`])
  })
}

const unknownKeys: readonly (readonly [line: string, problem: string])[] = [
  [
    'listen: { limits: { memory: 1MiB } }',
    '5:29 listen.limits.memory: is "1MiB", must be a size from 16MiB to 64GiB, written like 64KiB, 256MiB or 2GiB'
  ],
  ['listen: { prot: 1 }', '5:11 listen.prot: is not a known key, did you mean port?'],
  ['port: 1', '5:1 port: is not a known key, did you mean listen.port?'],
  ['limits: {}', '5:1 limits: is not a known key, did you mean listen.limits?'],
  ['proxyProtocol: {}', '5:1 proxyProtocol: is not a known key, did you mean listen.proxyProtocol?'],
  [
    'listen: { proxyProtocol: { from: [192.0.2.1], send: v2 } }',
    '5:47 listen.proxyProtocol.send: is not a known key, the only one here is from'
  ],
  [
    'log: { directory: a }',
    '5:8 log.directory: is not a known key, must be one of level, access, file, or did you mean state.directory?'
  ],
  ['pools: []', '5:1 pools: is not a known key, did you mean masters[].pools?'],
  ['listen.port: 1', '5:1 listen.port: is not a known key, must be written in groups: listen: { port: … }'],
  [
    'upstream.tls.ca: a',
    '5:1 upstream.tls.ca: is not a known key, must be written in groups: upstream: { tls: { ca: … } }'
  ],
  [
    'tunnels: {}',
    '5:1 tunnels: is not a known key, must be one of listen, tls, enroll, ca, masters, routes, discovery, upstream, health, balance, queue, access, state, reload, admin, log'
  ],
  [
    'upstream: { tls: { serverNmae: a } }',
    '5:20 upstream.tls.serverNmae: is not a known key, did you mean serverName?'
  ],
  [
    '__proto__: { a: 1 }',
    '5:1 __proto__: is not a known key, must be one of listen, tls, enroll, ca, masters, routes, discovery, upstream, health, balance, queue, access, state, reload, admin, log'
  ]
]

for (const [line, problem] of unknownKeys) {
  t.test(`${line} is an unknown key`, async t => {
    t.same(problemsOf(t, minimal(line)), [`${file}:${problem}`])
  })
}

t.test('a key that looks like no name, but like a line of a PEM file, is not repeated', async t => {
  t.match(problemsOf(t, minimal(`${'A'.repeat(64)}: 1`)), [
    /5:1 \(not a name\): is not a known key, must be one of listen/
  ])
})

t.test('an unknown key of a master is told with its place', async t => {
  const yaml = `${tls}\n${ca}\nmasters:\n  - { name: a, url: "http://a", wieght: 1 }\n`
  t.same(problemsOf(t, yaml), [`${file}:4:33 masters[0].wieght: is not a known key, did you mean weight?`])
})

t.test('a key that a master has not is not sought in other groups', async t => {
  const yaml = `${tls}\n${ca}\nmasters:\n  - { name: a, url: "http://a", port: 1 }\n`
  t.same(problemsOf(t, yaml), [
    `${file}:4:33 masters[0].port: is not a known key, must be one of name, url, weight, priority, capacity, pools, resolve`
  ])
})

t.test('an affinity is one of three', async t => {
  t.same(problemsOf(t, minimal('balance: { affinity: sticky }')), [
    `${file}:5:22 balance.affinity: is "sticky", must be one of phase, run, none`
  ])
})

/** A master's `name` and `url` as written, and what is wrong with them. */
const wrongMasters: readonly (readonly [entry: string, problem: string])[] = [
  [
    'name: a b, url: "http://a"',
    '4:13 masters[0].name: is "a b", must be 1 to 64 letters, digits, dots, hyphens or underscores'
  ],
  [
    `name: ${'x'.repeat(65)}, url: "http://a"`,
    `4:13 masters[0].name: is "${'x'.repeat(57)}...", must be 1 to 64 letters, digits, dots, hyphens or underscores`
  ],
  [
    'name: ca, url: "http://a"',
    '4:13 masters[0].name: is "ca", which always means the CA master; must be another name'
  ],
  [
    'url: "http://a"',
    '4:5 masters[0].name: is missing, must be 1 to 64 letters, digits, dots, hyphens or underscores'
  ],
  ['name: a', '4:5 masters[0].url: is missing, must be https://HOST:PORT or http://HOST:PORT'],
  [
    'name: a, url: "http://a", weight: 1000001',
    '4:41 masters[0].weight: is 1000001, must be a whole number from 0 to 1000000'
  ],
  [
    'name: a, url: "http://a", capacity: 0',
    '4:43 masters[0].capacity: is 0, must be a whole number from 1 to 1000'
  ],
  [
    'name: a, url: "http://a", priority: -1',
    '4:43 masters[0].priority: is -1, must be a whole number from 0 to 1000'
  ],
  ...(
    [
      ['puppet:8140', 'is "puppet:8140"'],
      ['puppet', 'is "puppet"'],
      ['https://', 'is "https://"'],
      ['https:puppet', 'is "https:puppet"'],
      ['https://a b', 'is "https://a b"'],
      ['https://a:99999', 'is "https://a:99999"'],
      ['ftp://a', 'has the scheme ftp'],
      ['https://a/puppet', 'has a path'],
      ['https://a//', 'has a path'],
      ['https://a?x', 'has a query or fragment'],
      ['https://a/#', 'has a query or fragment'],
      ['https://me:secret@a', 'holds a user name or password, or another @'],
      ['https:/me:secret@a', 'holds a user name or password, or another @'],
      ['me:secret@a:8140', 'holds a user name or password, or another @'],
      ['https://a:0', 'has the port 0']
    ] as const
  ).map(
    ([url, wrong]) =>
      [
        `name: a, url: "${url}"`,
        `4:21 masters[0].url: ${wrong}, must be https://HOST:PORT or http://HOST:PORT`
      ] as const
  )
]

for (const [entry, problem] of wrongMasters) {
  t.test(`a master with ${entry} is refused`, async t => {
    t.same(problemsOf(t, `${tls}\n${ca}\nmasters:\n  - { ${entry} }\n`), [`${file}:${problem}`])
  })
}

const origins: Readonly<Record<string, string>> = {
  'https://a.example.com:8140': 'https://a.example.com:8140',
  'https://a.example.com:8140/': 'https://a.example.com:8140',
  'HTTPS://A.example.com:443': 'https://a.example.com',
  'http://[::1]:8140': 'http://[::1]:8140',
  'http://10.0.0.1': 'http://10.0.0.1'
}

for (const [written, url] of Object.entries(origins)) {
  t.test(`the URL ${written} means ${url}`, async t => {
    const config = load(t, `${tls}\n${ca}\nmasters:\n  - { name: a, url: "${written}" }\n`)
    t.equal(config.settings.masters[0]?.url, url)
  })
}

t.test('an empty file lacks what has no default', async t => {
  t.same(problemsOf(t, ''), [
    `${file}:1:1 tls: is missing, must be a group of the keys cert, key, ca, profile, crl`,
    `${file}:1:1 ca: is missing, must be a group of the key url, unless discovery.srv is there`,
    `${file}:1:1 masters: is missing, must be a list of at least one master, unless discovery.srv is there`
  ])
})

t.test('no masters are too few', async t => {
  t.same(problemsOf(t, `${tls}\n${ca}\nmasters: []\n`), [
    `${file}:3:10 masters: is an empty list, must be a list of at least one master, unless discovery.srv is there`
  ])
})

t.test('a file that is no group of keys is refused', async t => {
  t.match(problemsOf(t, '- a\n'), [
    /^puppet-lb.yaml:1:1 file: is a list, must be a group of the keys listen, /
  ])
})

t.test('of a plain text, which may be a secret, nothing is shown', async t => {
  const where = `${file}:1:1`
  t.strictSame(problemsOf(t, 'S3cret-of-somebody-else\n'), [
    `${where} file: is a plain text, must be a group of keys`
  ])
})

t.test('a group whose keys are all commented out is as good as none', async t => {
  t.equal(load(t, minimal('listen:\n  # port: 1\nlog:\n')).boot.listen.port, 8140)
  t.equal(
    load(t, `tls:\n  cert: server.pem\n  key: server.key\n  ca: ca.pem\n  crl:\n${ca}\n${masters}\n`).settings
      .tls.crl,
    undefined
  )
})

t.test('a PEM text where a path belongs is not repeated', async t => {
  const yaml = `tls:\n  cert: server.pem\n  key: |\n    -----BEGIN PRIVATE KEY-----\n    c2VjcmV0\n  ca: ca.pem\n${ca}\n${masters}\n`
  t.same(problemsOf(t, yaml), [
    `${file}:3:8 tls.key: is the text of a PEM file, must be the path of a PEM private key, or a list of such paths`
  ])
})

t.test('the path of a socket may have 100 bytes, and bytes are not characters', async t => {
  const path = (bytes: number, letter = 'x') => `/${letter.repeat((bytes - 1) / Buffer.byteLength(letter))}`
  const socket = (written: string) => problemsOf(t, minimal(`admin: { socket: ${written} }`)).length
  t.equal(socket(path(100)), 0)
  t.equal(socket(path(101)), 1)
  t.equal(socket(path(99, '\u00e9')), 0)
  t.equal(socket(path(101, '\u00e9')), 1)
})

t.test('as many masters as there are seats for may be named, and weights up to a million', async t => {
  const entries = (count: number) =>
    Array.from(
      { length: count },
      (_, index) => `  - { name: m${index}, url: "http://m${index}", weight: 1000000 }\n`
    )
  const withCount = (count: number) => `${tls}\n${ca}\nmasters:\n${entries(count).join('')}`
  t.equal(load(t, withCount(128)).settings.masters.at(-1)?.weight, 1_000_000)
  t.same(problemsOf(t, withCount(129)), [
    `${file}:4:3 masters: is a list of 129 masters, must be a list of at most 128`
  ])
})
