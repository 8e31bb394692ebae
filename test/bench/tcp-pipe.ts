import { createConnection, createServer } from 'node:net'

// What Node itself takes to pass bytes on: two sockets, piped both ways, and nothing else.
const [port, to] = process.argv.slice(2).map(Number)
const options = { allowHalfOpen: true, noDelay: true }
createServer(options, agent => {
  const master = createConnection({ ...options, host: '127.0.0.1', port: to as number })
  agent.on('error', () => master.destroy()).pipe(master)
  master.on('error', () => agent.destroy()).pipe(agent)
}).listen(port, '127.0.0.1')
process.once('disconnect', () => process.exit())
