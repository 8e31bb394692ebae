import t from 'tap'
import { formatDuration, parseDuration } from '../../src/config/units.ts'

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
