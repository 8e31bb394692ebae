import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { markdown } from './markdown.ts'
import { ratiosOf, showRatio, spreadOf } from './statistics.ts'
import { type TcpName, tcpNames, tcpTitles } from './tcp-contenders.ts'
import { type Direction, directions } from './tcp-messages.ts'

/** One passage of bytes. */
export interface TcpRound {
  /** 10^6 bytes. */
  readonly megabytesPerSecond: number
  /** Of whoever passes them on, for 2^30 bytes; 0 where nobody does. */
  readonly cpuSecondsPerGib: number
  /** Resident before, and at most meanwhile; 0 where nobody passes them on. */
  readonly beforeMib: number
  readonly mostMib: number
}

/** What was measured, and with what; a file of results is a list of these. */
export interface TcpMeasured {
  readonly machine: string
  readonly versions: Readonly<Record<string, string>>
  /** Of each connection, one way. */
  readonly mib: number
  readonly connections: number
  readonly rounds: Readonly<Partial<Record<TcpName, Readonly<Record<Direction, readonly TcpRound[]>>>>>
}

const header = [
  'passed on by',
  'way',
  'MB/s',
  'times a pipe’s',
  'CPU s a GiB',
  'times a pipe’s',
  'RSS before, MiB',
  'at most'
]
const ways: Readonly<Record<Direction, string>> = { down: 'to the agent', up: 'to the master' }

/** One table for each measurement. */
export function tcpTables(measured: readonly TcpMeasured[]): string {
  return measured.map(each => [...introduction(each), '', tableOf(each)].join('\n')).join('\n\n')
}

function introduction({ machine, versions, mib, connections, rounds }: TcpMeasured): readonly string[] {
  const count = Math.max(...Object.values(rounds).map(({ down }) => down.length))
  const at = connections === 1 ? 'one connection' : `${connections} connections at once`
  return [
    `Processors: ${machine}. ${mib} MiB each way on ${at}, ${count} times; medians, ratios round by round with their range.`,
    '',
    ...Object.values(versions).map(version => `- ${version}`)
  ]
}

function tableOf({ rounds }: TcpMeasured): string {
  const rows = tcpNames.flatMap(name =>
    directions.flatMap(way => {
      const own = rounds[name]?.[way]
      return own ? [[tcpTitles[name], ways[way], ...cellsOf(own, name, rounds.pipe?.[way])]] : []
    })
  )
  return markdown(header, rows, [0, 1])
}

function cellsOf(
  own: readonly TcpRound[],
  name: TcpName,
  pipe: readonly TcpRound[] | undefined
): readonly string[] {
  const of = (all: readonly TcpRound[], figure: keyof TcpRound) => all.map(each => each[figure])
  const shown = (figure: keyof TcpRound, digits: number) => spreadOf(of(own, figure)).median.toFixed(digits)
  const ratio = (figure: keyof TcpRound) =>
    pipe && name !== 'pipe' ? showRatio(spreadOf(ratiosOf(of(own, figure), of(pipe, figure)))) : ''
  if (name === 'direct') return [shown('megabytesPerSecond', 0), ratio('megabytesPerSecond'), '', '', '', '']
  const most = Math.max(...of(own, 'mostMib')).toFixed(0)
  return [
    shown('megabytesPerSecond', 0),
    ratio('megabytesPerSecond'),
    shown('cpuSecondsPerGib', 2),
    ratio('cpuSecondsPerGib'),
    shown('beforeMib', 0),
    most
  ]
}

/** Writes tables and measurements into a directory; returns the tables. */
export function publishTcp(measured: readonly TcpMeasured[], directory: string): string {
  const text = `${tcpTables(measured)}\n`
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'tcp.md'), text)
  writeFileSync(join(directory, 'tcp.json'), `${JSON.stringify(measured, undefined, 2)}\n`)
  return text
}
