import t from 'tap'
import { parseOptions, usage } from '../bench/options.ts'

t.test('without arguments the usual default keys meet all peers of Debian 13 that differ', async t => {
  t.match(parseOptions([]), {
    upstream: ['http', 'https'],
    key: 'rsa',
    threads: 1,
    logs: true,
    peers: 'debian13',
    proxies: ['puppet-lb', 'haproxy-expert', 'haproxy-priority', 'haproxy', 'nginx'],
    effort: { rounds: 6 }
  })
})

t.test('a quick measurement can still be told what to do', async t => {
  const argv = ['--quick', '--key', 'ecdsa', '--threads', '2', '--log', 'off', '--proxies', 'nginx,puppet-lb']
  t.match(parseOptions(argv), {
    upstream: ['http'],
    key: 'ecdsa',
    threads: 2,
    logs: false,
    proxies: ['puppet-lb', 'nginx'],
    effort: { rounds: 3 }
  })
})

for (const [argv, says] of [
  [['--key', 'dsa'], '--key is dsa, must be rsa or ecdsa'],
  [['--threads', '0'], '--threads is 0, must be from 1 to 16'],
  [['--log', ''], '--log is , must be on or off'],
  [['--rounds', '1.5'], '--rounds is 1.5, must be a whole number'],
  [['--upstream', 'tcp'], '--upstream holds "tcp", must be of http, https']
] as const) {
  t.test(`${argv.join(' ')} is refused`, async t => {
    t.equal(parseOptions(argv), says)
  })
}

t.test('every option is in the help', async t => {
  const options = ['quick', 'rounds', 'seed', 'upstream', 'key', 'threads', 'log', 'peers', 'proxies', 'from']
  for (const each of [...options, 'out', 'keep', 'help']) t.match(usage, new RegExp(`^  --${each} `, 'm'))
})

t.test('an option that does not exist is refused', async t => {
  t.match(parseOptions(['--json', 'x']), /--json/)
})
