import t from 'tap'
import { parseFleetOptions } from '../bench/fleet-options.ts'

t.test('without arguments everything is measured', async t => {
  t.match(parseFleetOptions([]), {
    rhos: [0.8, 0.9, 0.95],
    fleets: ['equal', 'unequal'],
    seeds: 3,
    firstSeed: 1,
    runs: 3000,
    compression: 20,
    proxies: ['puppet-lb', 'haproxy-maxconn', 'haproxy', 'nginx'],
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
  [['--proxies', 'envoy'], '--proxies holds "envoy", must be of puppet-lb, haproxy-maxconn, haproxy, nginx']
] as const) {
  t.test(`${argv.join(' ')} is refused`, async t => {
    t.equal(parseFleetOptions(argv), says)
  })
}

t.test('an option that does not exist is refused', async t => {
  t.match(parseFleetOptions(['--fast']), /--fast/)
})
