import t from 'tap'
import { networkOf, plainAddress } from '../../src/data/accept/network.ts'

const pairs: readonly (readonly [string, string])[] = [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['2001:db8:1::', '2001:db8:1:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1:2%eth0', 'fe80:0:0:0']
]

for (const [address, network] of pairs) {
  t.test(`${address} counts for ${network}`, async t => {
    t.equal(networkOf(address), network)
  })
}

for (const [address, plain] of [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8::6', '2001:db8::6'],
  ['::ffff:0:192.0.2.7', '::ffff:0:192.0.2.7']
] as const) {
  t.test(`${address} is told as ${plain}`, async t => {
    t.equal(plainAddress(address), plain)
  })
}
