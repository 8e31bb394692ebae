import t from 'tap'
import { fleetUsage, parseFleetOptions } from '../bench/fleet-options.ts'
import { peerNames } from '../bench/peers/names.ts'

t.test('without arguments everything is measured', async t => {
  t.match(parseFleetOptions([]), {
    rhos: [0.8, 0.9, 0.95],
    fleets: ['equal', 'unequal'],
    seeds: 3,
    firstSeed: 1,
    runs: 3000,
    compression: 20,
    threads: 1,
    logs: false,
    peers: 'debian13',
    proxies: peerNames,
    kill: false
  })
})

t.test('a quick measurement can still be told what to do', async t => {
  t.match(parseFleetOptions(['--quick', '--runs', '50', '--proxies', 'nginx,puppet-lb']), {
    rhos: [0.9],
    fleets: ['equal'],
    seeds: 1,
    runs: 50,
    proxies: ['puppet-lb', 'nginx']
  })
})

for (const [argv, says] of [
  [['--rho', '1'], '--rho is 1, must be from 0.05 to 0.99'],
  [['--rho', '0.9,'], '--rho is , must be from 0.05 to 0.99'],
  [['--compression', '21'], '--compression is 21, must be from 1 to 20'],
  [['--seeds', '1.5'], '--seeds is 1.5, must be a whole number'],
  [['--masters', 'few'], '--masters holds "few", must be of equal, unequal'],
  [['--threads', '17'], '--threads is 17, must be from 1 to 16'],
  [['--log', 'yes'], '--log is yes, must be on or off'],
  [['--peers', 'debian12'], '--peers is debian12, must be debian13 or installed'],
  [
    ['--proxies', 'envoy'],
    '--proxies holds "envoy", must be of puppet-lb, haproxy-expert, haproxy-phase, haproxy-priority, haproxy-maxconn, haproxy, nginx'
  ]
] as const) {
  t.test(`${argv.join(' ')} is refused`, async t => {
    t.equal(parseFleetOptions(argv), says)
  })
}

t.test('every option is in the help', async t => {
  const options = ['quick', 'rho', 'masters', 'seeds', 'first-seed', 'runs', 'compression', 'threads', 'log']
  for (const each of [...options, 'peers', 'proxies', 'balancers', 'kill', 'from', 'out', 'help']) {
    t.match(fleetUsage, new RegExp(`^  --${each} `, 'm'))
  }
})

t.test('an option that does not exist is refused', async t => {
  t.match(parseFleetOptions(['--fast']), /--fast/)
})
