import { renameSync, writeFileSync } from 'node:fs'
import net, { type Socket } from 'node:net'
import tls, { type ConnectionOptions } from 'node:tls'
import type { Authority, IssuedCertificate } from '../../src/simulation/certificates.ts'

/** Connections are opened in groups: a listener's backlog is finite, and so is this machine. */
const GROUP = 50
const CONNECT_MS = 5_000

/** What an attack is done with. */
export interface Attacker {
  /** Enrolled agents, each with a certname of its own: 0 to 4,999. */
  readonly identity: (index: number) => IssuedCertificate
  /** The CA of the agents. */
  readonly authority: Authority
  /** Puts a file of revocation lists in the place of the balancer's. */
  readonly putLists: (pem: string) => void
  /** Opens TLS connections; `begin` is called with each that stands. One that is refused is counted and left out. */
  readonly connections: (
    count: number,
    begin: (socket: Socket, index: number) => void,
    identity?: IssuedCertificate | ((index: number) => IssuedCertificate)
  ) => Promise<readonly Socket[]>
  /** Opens connections on which no handshake begins. */
  readonly plainConnections: (count: number) => Promise<void>
  /** Does something again and again until the attack is over. */
  readonly every: (intervalMs: number, task: () => unknown) => Promise<void>
  /** Resolves when the attack is over. */
  readonly untilOver: () => Promise<void>
}

/** What became of an attack's connections. */
export interface AttackCount {
  connected: number
  refused: number
  answered: number
}

export function createAttacker(options: {
  readonly port: number
  readonly authority: Authority
  /** Path of the balancer's revocation lists. */
  readonly lists: string
  readonly identity: (index: number) => IssuedCertificate
  readonly signal: AbortSignal
}): Attacker & { readonly count: AttackCount } {
  const { port, authority, lists, identity, signal } = options
  const count: AttackCount = { connected: 0, refused: 0, answered: 0 }
  const sockets = new Set<Socket>()
  const over = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
  void over.then(() => {
    for (const socket of sockets) socket.destroy()
  })
  // Several addresses, as a fleet has: 127.0.0.2 to 127.0.0.9.
  const from = (index: number) => `127.0.0.${2 + (index % 8)}`

  function watch(socket: Socket): void {
    sockets.add(socket)
    socket.on('error', () => {}) // It is cut: that is what is hoped for.
    socket.once('close', () => sockets.delete(socket))
  }

  function open(make: () => Socket, event: 'connect' | 'secureConnect'): Promise<Socket | undefined> {
    const socket = make()
    watch(socket)
    socket.on('data', (chunk: Buffer) => {
      if (chunk.includes('HTTP/1.')) count.answered++
    })
    const { promise, resolve } = Promise.withResolvers<Socket | undefined>()
    const giveUp = setTimeout(() => resolve(undefined), CONNECT_MS)
    socket.once(event, () => resolve(socket)).once('close', () => resolve(undefined))
    return promise.then(result => {
      clearTimeout(giveUp)
      if (result) count.connected++
      else {
        count.refused++
        socket.destroy()
      }
      return result
    })
  }

  async function openAll(amount: number, openOne: (index: number) => Promise<Socket | undefined>) {
    const opened: Socket[] = []
    for (let at = 0; at < amount && !signal.aborted; at += GROUP) {
      const group = Array.from({ length: Math.min(GROUP, amount - at) }, (_, index) => openOne(at + index))
      for (const socket of await Promise.all(group)) if (socket) opened.push(socket)
    }
    return opened
  }

  return {
    count,
    identity,
    authority,
    putLists(pem) {
      writeFileSync(`${lists}.new`, pem)
      renameSync(`${lists}.new`, lists)
    },
    connections: (amount, begin, whose) =>
      openAll(amount, async index => {
        const shown = typeof whose === 'function' ? whose(index) : whose
        const options: ConnectionOptions = {
          socket: net.connect({ host: '127.0.0.1', port, localAddress: from(index) }).on('error', () => {}),
          servername: 'puppet',
          ca: authority.bundle,
          ...(shown && { cert: shown.chain, key: shown.key })
        }
        const socket = await open(() => tls.connect(options), 'secureConnect')
        if (socket) begin(socket, index)
        return socket
      }),
    async plainConnections(amount) {
      await openAll(amount, index =>
        open(() => net.connect({ host: '127.0.0.1', port, localAddress: from(index) }), 'connect')
      )
    },
    async every(intervalMs, task) {
      while (!signal.aborted) {
        const { promise: next, resolve } = Promise.withResolvers<void>()
        const timer = setTimeout(resolve, intervalMs)
        await task()
        await Promise.race([next, over])
        clearTimeout(timer)
      }
    },
    untilOver: () => over
  }
}
