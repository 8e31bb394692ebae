import t from 'tap'
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/config/units.ts'

const durations: Readonly<Record<string, number>> = {
  '0s': 0,
  '1ms': 1,
  '250ms': 250,
  '5s': 5000,
  '10m': 600_000,
  '1h': 3_600_000,
  '24h': 86_400_000,
  '1500ms': 1500
}

for (const [text, durationMs] of Object.entries(durations)) {
  t.test(`${text} is ${durationMs} milliseconds, and is written so again`, async t => {
    t.equal(parseDuration(text), durationMs)
    t.equal(formatDuration(durationMs), text)
  })
}

for (const [text, bytes] of Object.entries({
  '1KiB': 1024,
  '256MiB': 256 * 1024 ** 2,
  '2GiB': 2 * 1024 ** 3
}))
  t.test(`${text} is ${bytes} bytes, and is written so again`, async t => {
    t.equal(parseSize(text), bytes)
    t.equal(formatSize(bytes), text)
  })

for (const text of ['', '256', '256MB', '256 MiB', '256mib', '-1MiB', '1.5GiB', 'MiB', '9999999999KiB'])
  t.test(`"${text}" is no size`, async t => t.equal(parseSize(text), undefined))

t.test('a duration is written in the largest unit that keeps it whole', async t => {
  t.equal(formatDuration(90_000), '90s')
  t.equal(formatDuration(120_000), '2m')
})

for (const text of [
  '',
  '5',
  '5 s',
  ' 5s',
  '5s ',
  '5S',
  '-5s',
  '1.5s',
  '5d',
  's',
  '1h30m',
  '9999999999s',
  '٥s'
]) {
  t.test(`${JSON.stringify(text)} is no duration`, async t => {
    t.equal(parseDuration(text), undefined)
  })
}
