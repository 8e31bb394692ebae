import { once } from 'node:events'
import { lstatSync, unlinkSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { connect } from 'node:net'

/** Only the user the balancer runs as may connect; that is all the access control there is. */
const UMASK_OF_0600 = 0o177
/** What the system's address of a socket holds, without the zero at its end. */
const MAX_PATH_BYTES = 107

/**
 * Listens on a Unix socket of mode 0600. What a dead process left there is replaced. Rejects with one sentence when
 * a living process listens there, when the file is no socket, and when it cannot be made. The result closes it, cuts
 * its connections and removes the file.
 */
export async function listenOnSocket(path: string, listener: RequestListener): Promise<() => Promise<void>> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new Error(
      `admin.socket ${path} is longer than the ${MAX_PATH_BYTES} bytes that a socket's path may have`
    )
  }
  await removeStale(path)
  const server = createServer(listener)
  try {
    const listening = once(server, 'listening')
    bind(server, path)
    await listening
  } catch (error) {
    throw new Error(`admin.socket ${path} cannot be made: ${codeOf(error)}`, { cause: error })
  }
  return async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
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
