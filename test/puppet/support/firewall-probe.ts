/**
 * Who gets through a firewall to port 8140. Run in a network of its own, where the rules are in force; prints a JSON
 * object: for each address that connects `admitted`, or the code of the error.
 */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

const server = createServer(socket => socket.destroy()).listen(8140)
await once(server, 'listening')
const answers: Record<string, string> = {}
for (const from of process.argv.slice(2)) {
  const socket = connect({ host: from.includes(':') ? '::1' : '127.0.0.1', port: 8140, localAddress: from })
  answers[from] = await once(socket, 'connect').then(
    () => 'admitted',
    (error: NodeJS.ErrnoException) => error.code ?? error.message
  )
  socket.destroy()
}
server.close()
console.log(JSON.stringify(answers))
