import type { Socket } from 'node:net'
import { formatPem } from '../../src/pki/pem.ts'
import {
  type CraftedList,
  type Crafter,
  craftersOf,
  craftList,
  extension,
  integer,
  manyEntries
} from '../support/crafted-list.ts'
import type { Attacker } from './attacker-hands.ts'
import type { BalancerOptions } from './balancer.ts'

/** Something hostile that is done while healthy agents run. It ends by itself when it is told to; all is bounded. */
export interface Attack {
  /** What is done, for the table. */
  readonly title: string
  readonly setting?: Pick<BalancerOptions, 'nofile' | 'log' | 'settings'>
  /** Agents that are no part of the attack, before anything is measured. Resolves once they stand; they go on until it is over. */
  readonly load?: (hands: Attacker) => Promise<void>
  /** Done by a process of its own, while nothing is measured yet: the result is done while it is. */
  readonly prepare?: (hands: Attacker) => (() => Promise<void>) | Promise<() => Promise<void>>
  readonly run?: (hands: Attacker) => Promise<void>
}

const LENGTH = 1000
const catalogHead =
  `POST /puppet/v3/catalog/x?environment=production HTTP/1.1\r\nHost: puppet\r\n` +
  `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${LENGTH}\r\n\r\n`
const node = (certname: string, headers = '') =>
  `GET /puppet/v3/node/${certname}?environment=production HTTP/1.1\r\nHost: puppet\r\n${headers}\r\n`
const reportOf = (certname: string, bytes: number) =>
  `PUT /puppet/v3/report/${certname}?environment=production HTTP/1.1\r\nHost: puppet\r\n` +
  `Content-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n`

const brokenRequests = [
  'GET /puppet/v3/node/x HTTP/2.0\r\nHost: puppet\r\n\r\n',
  'GET  /puppet/v3/node/x HTTP/1.1\r\nHost: puppet\r\n\r\n',
  'GET /puppet/v3/node/x\r\n\r\n',
  'GET /puppet/v3/node/x HTTP/1.1\nHost: puppet\n\n',
  'POST /puppet/v3/catalog/x HTTP/1.1\r\nHost: puppet\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST /puppet/v3/catalog/x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'GET /puppet/v3/node/x HTTP/1.1\r\nHost: puppet\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\nPRI * HTTP/2.0\r\n\r\n'
]
/** Put often enough for the whole measurement. */
const LONG_LISTS = 10
const LONG_LIST = 200_000
const everySecond = { settings: { tls: { crl: { file: 'crl.pem', refresh: '1s' } } } }

export const attacks: Readonly<Record<string, Attack>> = {
  none: {
    title: 'nothing, for comparison',
    run: hands => hands.untilOver()
  },
  'silent-bodies-stranger': {
    title: 'eight catalogs without a body, no certificate',
    async run(hands) {
      await hands.connections(8, socket => socket.write(catalogHead))
      await hands.untilOver()
    }
  },
  'silent-bodies-agent': {
    title: 'sixty-four catalogs without a body, one certificate',
    async run(hands) {
      await hands.connections(64, socket => socket.write(catalogHead), hands.identity(0))
      await hands.untilOver()
    }
  },
  drip: {
    title: 'two hundred bodies of a byte a second, twenty certificates',
    async run(hands) {
      const sockets = await hands.connections(
        200,
        socket => socket.write(catalogHead),
        index => hands.identity(index % 20)
      )
      await hands.every(1_000, () => {
        for (const socket of sockets) socket.write('x')
      })
    }
  },
  pipelined: {
    title: 'four hundred requests at once on one connection, again and again',
    async run(hands) {
      const identity = hands.identity(0)
      const bytes = node(identity.certname).repeat(400)
      await hands.every(1_000, () => hands.connections(1, socket => socket.write(bytes), identity))
    }
  },
  idle: {
    title: '5,000 idle connections with certificates',
    async prepare(hands) {
      await hands.connections(
        5_000,
        () => {},
        index => hands.identity(index)
      )
      return hands.untilOver
    }
  },
  descriptors: {
    title: '400 idle connections, 256 descriptors',
    setting: { nofile: 256 },
    async run(hands) {
      await hands.connections(400, () => {})
      await hands.untilOver()
    }
  },
  handshakes: {
    title: '400 handshakes without end, 256 descriptors',
    setting: { nofile: 256 },
    async run(hands) {
      await hands.plainConnections(400)
      await hands.untilOver()
    }
  },
  reports: {
    title: '1,000 reports of 300 KB at once, again and again',
    async prepare(hands) {
      const body = Buffer.alloc(300_000, 'x')
      const idle = new Map<Socket, string>()
      await hands.connections(
        1_000,
        (socket, index) => {
          const head = reportOf(hands.identity(index).certname, body.length)
          idle.set(socket, head)
          socket.on('data', () => idle.set(socket, head)).once('close', () => idle.delete(socket))
        },
        index => hands.identity(index)
      )
      return () =>
        hands.every(5_000, () => {
          for (const [socket, head] of idle) {
            socket.write(head)
            socket.write(body)
          }
          // Whoever has not been answered yet is left alone.
          idle.clear()
        })
    }
  },
  'ca-bodies': {
    title: '500 bodies of 1 MiB to the CA that do not end',
    async run(hands) {
      const bytes = 1024 * 1024
      const body = Buffer.alloc(bytes - 1, 'x')
      const head =
        `PUT /puppet-ca/v1/certificate_request/x HTTP/1.1\r\nHost: puppet\r\n` +
        `Content-Type: text/plain\r\nContent-Length: ${bytes}\r\n\r\n`
      await hands.connections(500, socket => {
        socket.write(head)
        socket.write(body)
      })
      await hands.untilOver()
    }
  },
  'unread-log': {
    title: 'a log that nobody reads, long paths',
    setting: { log: 'unread' },
    run: longPaths
  },
  'full-log': {
    title: 'a log on a full disk, long paths',
    setting: { log: 'full' },
    run: longPaths
  },
  'closed-log': {
    title: 'a log whose reader has gone, long paths',
    setting: { log: 'closed' },
    run: longPaths
  },
  'retry-after': {
    title: '3,000 nodes without a certificate a second, beside a long queue',
    setting: { settings: { access: { withoutCertificate: 'forward' }, queue: { shedAbove: '1s' } } },
    /** A hundred agents on eight connections each: their catalogs need some four seconds. They do not say that they would come back. */
    async load(hands) {
      await hands.connections(
        800,
        socket => {
          const ask = () => socket.write(`${catalogHead}${'x'.repeat(LENGTH)}`)
          socket.on('data', ask)
          ask()
        },
        index => hands.identity(100 + (index % 100))
      )
    },
    async run(hands) {
      const bytes = node('x', 'X-Puppet-Version: 8.10.0\r\n').repeat(60)
      const sockets = await hands.connections(50, () => {})
      await hands.every(1_000, () => {
        for (const socket of sockets) socket.write(bytes)
      })
    }
  },
  garbage: {
    title: 'requests with garbage behind them, 100 a second',
    async run(hands) {
      const identity = hands.identity(0)
      const bytes = `${node(identity.certname)}${node(identity.certname)}\0garbage\r\n\r\n`
      await hands.every(200, () => hands.connections(20, socket => socket.write(bytes), identity))
    }
  },
  'broken-requests': {
    title: 'requests that are none, 200 a second',
    async run(hands) {
      await hands.every(500, () =>
        hands.connections(100, (socket, index) =>
          socket.write(brokenRequests[index % brokenRequests.length] as string)
        )
      )
    }
  },
  'long-list': {
    title: 'a new revocation list of 200,000 entries every two seconds',
    setting: everySecond,
    prepare(hands) {
      const lists = Array.from({ length: LONG_LISTS }, (_, index) =>
        listsOf(hands, { number: BigInt(Date.now() + index), entries: manyEntries(LONG_LIST) })
      )
      return () => hands.every(2_000, () => hands.putLists(lists.shift() ?? ''))
    }
  },
  'unusable-lists': {
    title: 'older, partial, delta and damaged revocation lists, one a second',
    setting: everySecond,
    prepare(hands) {
      const newer = { number: BigInt(Date.now()) }
      const lists = [
        { number: 1n },
        { ...newer, extensions: [extension('551d1c', Buffer.of(0x30, 0), true)] },
        { ...newer, extensions: [extension('551d1b', integer(1n), true)] },
        { ...newer, sign: () => Buffer.alloc(64) }
      ].map(list => listsOf(hands, list))
      let turn = 0
      return () => hands.every(1_000, () => hands.putLists(lists[turn++ % lists.length] as string))
    }
  },
  'unread-answers': {
    title: '100 connections that ask for a large file and never read, twenty certificates',
    async run(hands) {
      await hands.connections(
        100,
        socket => {
          socket.pause()
          socket.write(
            'GET /puppet/v3/file_content/modules/large/x HTTP/1.1\r\nHost: puppet\r\n\r\n'.repeat(20)
          )
        },
        index => hands.identity(index % 20)
      )
      await hands.untilOver()
    }
  },
  greedy: {
    title: 'twenty enrolled agents that ask on 100 connections without a pause',
    async run(hands) {
      await hands.connections(
        100,
        (socket, index) => {
          const { certname } = hands.identity(index % 20)
          const ask = () => socket.write(node(certname))
          socket.on('data', ask)
          ask()
        },
        index => hands.identity(index % 20)
      )
      await hands.untilOver()
    }
  }
}

export const attackNames: readonly string[] = Object.keys(attacks)

/** A list of the CA that signs agents, with one of its root, which never changes. */
function listsOf({ authority }: Attacker, list: Omit<CraftedList, 'by'>): string {
  const [root, signer] = craftersOf(authority) as [Crafter, Crafter]
  return (
    formatPem('X509 CRL', craftList({ ...list, by: signer })) +
    formatPem('X509 CRL', craftList({ by: root, number: 1_000_000n }))
  )
}

async function longPaths(hands: Attacker): Promise<void> {
  const identity = hands.identity(0)
  const long =
    `GET /puppet/v3/file_content/modules/${'y'.repeat(7_000)} HTTP/1.1\r\nHost: puppet\r\n\r\n`.repeat(10)
  const sockets = await hands.connections(10, () => {}, identity)
  await hands.every(100, () => {
    for (const socket of sockets) socket.write(long)
  })
}
