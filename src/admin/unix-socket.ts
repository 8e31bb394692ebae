import { once } from 'node:events'
import { lstatSync, renameSync, rmSync, unlinkSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'

/** Only the user the balancer runs as may connect; that is all the access control there is. */
const UMASK_OF_0600 = 0o177
/** What the system's address of a socket holds, without the zero at its end. */
const MAX_PATH_BYTES = 107

/** Whether a living process may be listening there already, which hands over to this one. */
export interface SocketOptions {
  readonly takesOver?: boolean
}

/** A Unix socket that listens under a name in the file system. */
export interface AdminSocket {
  readonly server: Server
  /** Makes it anew under its name, when another process has put its own there. Rejects when it cannot be made. */
  readonly reopen: () => Promise<void>
  /** Leaves the name to another process that has put its own socket there, and cuts the connections. */
  readonly leave: () => void
  /** Closes it, cuts its connections and removes the file. */
  readonly close: () => Promise<void>
}

/**
 * Listens on a Unix socket of mode 0600. What a dead process left there is replaced, and what a living one has there
 * when that hands over. Rejects with one sentence when a living process listens there otherwise, when the file is no
 * socket, and when it cannot be made.
 */
export async function listenOnSocket(
  path: string,
  listener: RequestListener,
  { takesOver = false }: SocketOptions = {}
): Promise<AdminSocket> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new Error(
      `admin.socket ${path} is longer than the ${MAX_PATH_BYTES} bytes that a socket's path may have`
    )
  }
  if (!takesOver) await removeStale(path)
  const server = createServer(listener)
  let isOurs = false

  /** Under a name of its own first, and then in the place of what is there: at no moment is there nothing. */
  async function open(): Promise<void> {
    const own = join(dirname(path), `.${process.pid}`)
    try {
      rmSync(own, { force: true })
      const listening = once(server, 'listening')
      bind(server, own)
      await listening
      renameSync(own, path)
      isOurs = true
    } catch (error) {
      throw new Error(`admin.socket ${path} cannot be made: ${codeOf(error)}`, { cause: error })
    }
  }

  async function shut(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  await open()
  return {
    server,
    async reopen() {
      // The one that asked to take over is still connected: nothing waits for it.
      server.close()
      await open()
    },
    leave() {
      isOurs = false
      server.close()
      server.closeAllConnections()
    },
    async close() {
      if (isOurs) rmSync(path, { force: true })
      await shut()
    }
  }
}

/** The file is made within `listen`: nobody can connect before its mode is right. */
function bind(server: Server, path: string): void {
  const umask = process.umask(UMASK_OF_0600)
  try {
    server.listen(path)
  } finally {
    process.umask(umask)
  }
}

async function removeStale(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (!stats) return
  if (!stats.isSocket()) throw new Error(`admin.socket ${path} is there already and is no socket`)
  const failure = await failureToConnect(path)
  if (failure === undefined) throw new Error(`admin.socket ${path} is in use by another process`)
  if (failure === 'ENOENT') return
  if (failure !== 'ECONNREFUSED') throw new Error(`admin.socket ${path} cannot be replaced: ${failure}`)
  unlinkSync(path)
}

/** Why nobody can be reached there; `undefined` when somebody can. */
async function failureToConnect(path: string): Promise<string | undefined> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return undefined
  } catch (error) {
    return codeOf(error)
  } finally {
    socket.destroy()
  }
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}
