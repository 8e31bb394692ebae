import t from 'tap'
import { countBeyond, hasSerial, sortSerials } from '../../src/pki/serials.ts'
import { seededDice } from '../support/runtime.ts'

/** Two's complement, as short as it can be. */
function contentOf(value: bigint): Buffer {
  let length = 1
  while (BigInt.asIntN(8 * length, value) !== value) length++
  const hex = BigInt.asUintN(8 * length, value)
    .toString(16)
    .padStart(2 * length, '0')
  return Buffer.from(hex, 'hex')
}

function placeOf(values: readonly bigint[]) {
  const contents = values.map(contentOf)
  let at = 0
  const spans = contents.flatMap(({ length }) => {
    at += length
    return [at - length, at]
  })
  return { bytes: Buffer.concat(contents), spans: Uint32Array.from(spans) }
}

t.test('whatever was put in is found, and nothing else', async t => {
  for (let seed = 1; seed <= 200; seed++) {
    const dice = seededDice(seed)
    const any = () => {
      const bits = Math.floor(dice() * 160)
      const value = BigInt(Math.floor(dice() * 2 ** 32)) << BigInt(bits)
      return dice() < 0.3 ? -value : value + BigInt(Math.floor(dice() * 256))
    }
    const values = Array.from({ length: Math.floor(dice() * 60) }, any)
    const others = Array.from({ length: 60 }, any).concat(
      values.map(value => value + 1n),
      values.map(value => -value)
    )
    const half = Math.floor(values.length / 2)
    const sorted = sortSerials([placeOf(values.slice(0, half)), placeOf(values.slice(half))])
    const known = new Set(values)
    const wrong = [...values, ...others].filter(
      value => hasSerial(sorted, contentOf(value)) !== known.has(value)
    )
    if (wrong.length > 0) t.fail(`seed ${seed}: ${wrong}`)
  }
  t.pass('for every seed')
})

t.test('how many of one are not in another is counted, whatever their widths', async t => {
  const of = (...values: bigint[]) => sortSerials([placeOf(values)])
  const few = of(1n, -1n, 2n ** 100n)
  const more = of(1n, -1n, 2n ** 100n, 255n, 2n ** 150n)
  t.equal(countBeyond(few, more), 0)
  t.equal(countBeyond(more, few), 2)
  t.equal(countBeyond(more, of()), 5)
  t.equal(countBeyond(of(), more), 0)
})
