import { maxAdminConnections } from '../model/descriptors.ts'
import type { AdminDeps } from './api.ts'
import { createApi } from './api.ts'
import { createGuard } from './auth.ts'
import { listenOnSocket } from './unix-socket.ts'

export type { AdminDeps } from './api.ts'
export { isExposed } from './auth.ts'

/** The operators' listeners, open. */
export interface Admin {
  /** The TCP port it has, which is the system's choice where the configuration says 0. */
  readonly port: number
  /** Cuts every connection and removes the Unix socket. */
  readonly close: () => Promise<void>
}

/** Opens the TCP listener and, where one is configured, the Unix socket. Rejects when an address cannot be had. */
export async function startAdmin(deps: AdminDeps): Promise<Admin> {
  const { host, port, socket } = deps.admin
  const overTcp = createApi(deps, createGuard(deps.admin, deps.hostname))
  overTcp.server.maxConnections = maxAdminConnections
  const closeSocket = socket === undefined ? async () => {} : await openSocket(socket, deps)
  try {
    await overTcp.listen({ host, port })
  } catch (error) {
    await closeSocket()
    throw error
  }
  const address = overTcp.server.address()
  return {
    port: typeof address === 'object' && address ? address.port : port,
    async close() {
      await Promise.all([closeSocket(), overTcp.close()])
    }
  }
}

/** Whoever may connect to the socket may do everything. */
async function openSocket(path: string, deps: AdminDeps): Promise<() => Promise<void>> {
  const app = createApi(deps)
  await app.ready()
  const close = await listenOnSocket(path, (request, response) => app.routing(request, response))
  return async () => {
    await close()
    await app.close()
  }
}
