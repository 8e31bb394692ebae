import { spawn, spawnSync } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** As much of a test as a name server needs. */
interface Host {
  readonly testdir: (content: Record<string, string>) => string
  readonly teardown: (task: () => unknown) => void
}

/** A reason to skip a test where Debian's `bind9` and `bind9-dnsutils` are not installed; else `false`. */
export const unlessNamed: string | false =
  spawnSync('named', ['-v']).error || spawnSync('nsupdate', ['-V']).error
    ? 'named and nsupdate (Debian: bind9 and bind9-dnsutils) are not installed'
    : false

/** Records by zone, each a line of a zone file with an absolute name. */
export type Zones = Readonly<Record<string, readonly string[]>>

export interface NameServer {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  readonly port: number
  /** Changes records, as `nsupdate` does: `add NAME TTL TYPE …` and `delete NAME [TYPE …]`, all at once. */
  readonly update: (zone: string, ...changes: readonly string[]) => void
}

/** Runs a command for as long as whoever started it lives, and does not say that it is enough. */
const untilInputEnds = '"$@" & child=$!; exec 2>&-; read -r _; kill -KILL $child; wait $child'

/** A real name server, BIND, that answers for these zones on a port of loopback. */
export async function startNameServer(t: Host, zones: Zones): Promise<NameServer> {
  const port = await freePort()
  const files = Object.entries(zones).map(([zone, records]) => [`${zone}.zone`, zoneFile(zone, records)])
  const directory = t.testdir(Object.fromEntries(files))
  writeFileSync(join(directory, 'named.conf'), configuration(directory, port, Object.keys(zones)))
  const command = ['named', '-g', '-n', '1', '-c', join(directory, 'named.conf')]
  const named = spawn('sh', ['-c', untilInputEnds, 'sh', ...command], { stdio: ['pipe', 'ignore', 'pipe'] })
  t.teardown(async () => {
    named.stdin.end()
    if (named.exitCode === null) await once(named, 'exit')
  })
  const said: string[] = []
  for await (const line of createInterface(named.stderr)) {
    said.push(line)
    if (/ running$/.test(line)) {
      named.stderr.resume()
      return { address: `127.0.0.1:${port}`, port, update: updater(port) }
    }
  }
  throw new Error(`named did not start:\n${said.slice(-10).join('\n')}`)
}

function configuration(directory: string, port: number, zones: readonly string[]): string {
  const primaries = zones.map(
    zone => `zone "${zone}" { type primary; file "${zone}.zone"; allow-update { 127.0.0.1; }; };`
  )
  return `options {
  directory "${directory}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; dnssec-validation no; pid-file none; session-keyfile none; lock-file none;
};
controls { };
${primaries.join('\n')}
`
}

function zoneFile(zone: string, records: readonly string[]): string {
  return `$TTL 1
${zone}. IN SOA ns.${zone}. root.${zone}. 1 3600 600 86400 1
${zone}. IN NS ns.${zone}.
ns.${zone}. IN A 127.0.0.1
${records.join('\n')}
`
}

function updater(port: number): NameServer['update'] {
  return (zone, ...changes) => {
    const lines = [
      `server 127.0.0.1 ${port}`,
      `zone ${zone}`,
      ...changes.map(each => `update ${each}`),
      'send',
      ''
    ]
    const { status, stderr } = spawnSync('nsupdate', { input: lines.join('\n'), encoding: 'utf8' })
    if (status !== 0) throw new Error(`nsupdate: ${stderr}`)
  }
}

async function freePort(): Promise<number> {
  const socket = await bound()
  const { port } = socket.address() as AddressInfo
  socket.close()
  await once(socket, 'close')
  return port
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

/** What becomes of a question: it is passed on, it is lost, or it is answered that the server failed. */
export type Fate = 'pass' | 'lose' | 'fail'

export interface Relay {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  /** Says from now on what becomes of a question for a name. */
  readonly become: (fate: (name: string) => Fate) => void
  /** Every name that was asked for, in lower case. */
  readonly asked: readonly string[]
}

/** A way to a name server on which questions can get lost, or come to SERVFAIL. */
export async function startRelay(
  t: Pick<Host, 'teardown'>,
  upstream: { readonly port: number }
): Promise<Relay> {
  const asked: string[] = []
  let fateOf: (name: string) => Fate = () => 'pass'
  const front = await bound()
  const open = new Set<Socket>([front])
  t.teardown(() => {
    for (const socket of open) socket.close()
  })
  front.on('message', (question, { port }) => {
    const name = nameIn(question)
    asked.push(name)
    const fate = fateOf(name)
    if (fate === 'fail') front.send(serverFailure(question), port, '127.0.0.1')
    if (fate !== 'pass') return
    const back = createSocket('udp4')
    open.add(back)
    back.once('message', answer => {
      open.delete(back)
      back.close()
      front.send(answer, port, '127.0.0.1')
    })
    back.send(question, upstream.port, '127.0.0.1')
  })
  return {
    address: `127.0.0.1:${(front.address() as AddressInfo).port}`,
    become(fate) {
      fateOf = fate
    },
    asked
  }
}

/** The name a message asks for: labels, each after its length, from the 13th byte on (RFC 1035, section 4.1.2). */
function nameIn(message: Buffer): string {
  const labels: string[] = []
  for (let at = 12; message[at]; at += 1 + (message[at] as number)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + (message[at] as number)))
  }
  return labels.join('.').toLowerCase()
}

/** The question as an answer with code 2 (RFC 1035, section 4.1.1). */
function serverFailure(question: Buffer): Buffer {
  const answer = Buffer.from(question)
  answer[2] = (answer[2] as number) | 0x80
  answer[3] = ((answer[3] as number) & 0xf0) | 2
  return answer
}
