import { once } from 'node:events'
import { systemRuntime } from '../model/runtime.ts'
import type { HandOver } from '../model/takeover.ts'
import type { AdminDeps } from './api.ts'
import { createApi } from './api.ts'
import { createGuard } from './auth.ts'
import { boundConnections } from './connections.ts'
import { type AddPage, createPage } from './page/routes.ts'
import { offerTakeover } from './takeover.ts'
import { type AdminSocket, listenOnSocket, type SocketOptions } from './unix-socket.ts'

export type { AdminDeps } from './api.ts'
export { isExposed } from './auth.ts'

export interface AdminOptions extends AdminDeps, SocketOptions {
  /** What becomes of another process that asks to take over. */
  readonly handOver: HandOver
}

/** The operators' listeners, open. */
export interface Admin {
  /** The TCP port it has, which is the system's choice where the configuration says 0. */
  readonly port: number
  /** Frees the TCP port for another process; what is being answered is answered. The Unix socket stays. */
  readonly release: () => void
  /** Takes back what another process was to have. Rejects when it cannot be had. */
  readonly reopen: () => Promise<void>
  /** Leaves the port and the name of the Unix socket to another process, which has them. */
  readonly leave: () => void
  /** Cuts every connection and removes the Unix socket, unless it was left. */
  readonly close: () => Promise<void>
}

/** Opens the TCP listener and, where one is configured, the Unix socket. Rejects when an address cannot be had. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { host, port: wanted, socket } = options.admin
  const guard = createGuard(options.admin, options.hostname)
  const addPage = createPage({ overview: options.overview, runtime: options.runtime ?? systemRuntime })
  const overTcp = createApi(options, addPage, guard)
  const { server } = overTcp
  const { forget } = boundConnections(server)
  offerTakeover(server, options.handOver, {
    guard,
    forget,
    asker: ({ socket: { remoteAddress } }) => `over TCP, from ${remoteAddress}`
  })
  const unix = socket === undefined ? undefined : await openSocket(socket, options, addPage)
  try {
    await overTcp.listen({ host, port: wanted })
  } catch (error) {
    await unix?.close()
    throw error
  }
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : wanted

  function leave(): void {
    server.close()
    server.closeAllConnections()
    unix?.leave()
  }

  return {
    port,
    release: () => void server.close(),
    async reopen() {
      await unix?.reopen()
      if (server.listening) return
      server.listen({ host, port })
      await once(server, 'listening')
    },
    leave,
    async close() {
      await Promise.all([unix?.close(), overTcp.close()])
    }
  }
}

/** Whoever may connect to the socket may do everything. */
async function openSocket(path: string, options: AdminOptions, addPage: AddPage): Promise<AdminSocket> {
  const app = createApi(options, addPage)
  await app.ready()
  const socket = await listenOnSocket(path, (request, response) => app.routing(request, response), options)
  offerTakeover(socket.server, options.handOver, { asker: () => 'over the Unix socket' })
  return {
    ...socket,
    async close() {
      await socket.close()
      await app.close()
    }
  }
}
