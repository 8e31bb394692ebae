import t from 'tap'
import { figuresIn } from '../bench/readme-figures.ts'
import { publishTcp, type TcpMeasured, type TcpRound } from '../bench/tcp-report.ts'

const round = (megabytesPerSecond: number, cpuSecondsPerGib: number, mostMib = 80): TcpRound => ({
  megabytesPerSecond,
  cpuSecondsPerGib,
  beforeMib: 70,
  mostMib
})

const measured: TcpMeasured = {
  machine: 'a machine',
  versions: { haproxy: 'HAProxy: 3.0' },
  mib: 1024,
  connections: 1,
  rounds: {
    'puppet-lb': {
      down: [round(900, 0.5), round(800, 0.6, 95)],
      up: [round(1000, 0.4), round(1000, 0.4)]
    },
    pipe: { down: [round(1000, 0.5), round(1000, 0.5)], up: [round(1000, 0.4), round(1000, 0.4)] },
    direct: { down: [round(3000, 0), round(3000, 0)], up: [round(3000, 0), round(3000, 0)] }
  }
}

t.test(
  'who passes bytes on is set beside a plain pipe, round by round, and a document gets that',
  async t => {
    const directory = t.testdir()
    publishTcp([measured], directory)
    const { tcp } = figuresIn(directory)
    t.match(tcp, 'a machine. 1024 MiB each way on one connection, 2 times')
    t.match(tcp, '- HAProxy: 3.0\n')
    const own =
      '| puppet-lb, `listen.tcp` | to the agent | 850 | 0.85 × [0.80–0.90] | 0.55 | 1.10 × [1.00–1.20] | 70 | 95 |'
    t.match(tcp, own)
    t.match(tcp, '| two sockets of Node, piped | to the agent | 1000 |  | 0.50 |  | 70 | 80 |')
    t.match(
      tcp,
      '| nothing in between | to the master | 3000 | 3.00 × |  |  |  |  |',
      'it has no process of its own'
    )
    t.notMatch(tcp, 'HAProxy, `mode tcp`')
  }
)
