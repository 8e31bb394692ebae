import t from 'tap'
import { cpuMicros, machineMicros, parseSchedstat, parseStat } from '../bench/cpu.ts'

/** A `stat` line as Linux writes it, up to the two counters that matter and some after them. */
function stat(pid: number, name: string, utime: number, stime: number): string {
  return `${pid} (${name}) S 1 ${pid} ${pid} 0 -1 4194304 100 7 0 0 ${utime} ${stime} 9 9 20 0 1 0 239745 31`
}

t.test('user and system time of a stat line count together, in steps of 10 ms', async t => {
  t.equal(parseStat(stat(7, 'haproxy', 12, 30)), 420_000)
})

t.test('a process name may hold spaces and brackets', async t => {
  t.equal(parseStat(stat(7, 'nginx: worker (1) S', 1, 2)), 30_000)
})

t.test('what is no stat line is refused', async t => {
  t.throws(() => parseStat('7 (sh) S 1'), { message: /not a stat line/ })
})

t.test('time of a thread is read to the nanosecond', async t => {
  t.equal(parseSchedstat('1234567 5000 3'), 1234.567)
  t.equal(parseSchedstat(''), 0)
})

t.test('all threads of a process and all its descendants count', async t => {
  const proc = t.testdir({
    10: {
      stat: stat(10, 'master', 0, 0),
      task: {
        10: { schedstat: '1000000 0 1\n', children: '11 ' },
        12: { schedstat: '2000000 0 1\n', children: '' }
      }
    },
    11: { stat: stat(11, 'worker', 0, 0), task: { 11: { schedstat: '5000000 0 1\n', children: '' } } }
  })
  t.equal(cpuMicros(10, proc), 8000)
})

t.test('threads that have ended count by the process total', async t => {
  const proc = t.testdir({
    10: { stat: stat(10, 'node', 40, 10), task: { 10: { schedstat: '3000000 0 1\n', children: '' } } }
  })
  t.equal(cpuMicros(10, proc), 500_000)
})

t.test('without schedstat in the kernel, steps of 10 ms remain', async t => {
  const proc = t.testdir({ 10: { stat: stat(10, 'node', 2, 1), task: { 10: {} } } })
  t.equal(cpuMicros(10, proc), 30_000)
})

t.test('a process that is gone is an error', async t => {
  t.throws(() => cpuMicros(10, t.testdir({})), { code: 'ENOENT' })
})

t.test('the machine is busy with all but idling and waiting for disks', async t => {
  const proc = t.testdir({ stat: 'cpu  10 1 20 5000 700 2 3 4 0 0\ncpu0 9 9 9 9 9 9 9 9 0 0\nintr 1\n' })
  t.equal(machineMicros(proc), 400_000)
})

t.test('work of this process shows in the real /proc', { skip: process.platform !== 'linux' }, async t => {
  const before = cpuMicros(process.pid)
  const ownBefore = process.cpuUsage()
  let sum = 0
  while (process.cpuUsage(ownBefore).user < 60_000) sum += Math.sqrt(sum + 1)
  t.ok(cpuMicros(process.pid) - before >= 40_000)
})
