import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

// What Node itself takes for such connections: the same certificate, clients asked for theirs, one short answer.
const directory = process.argv[2] as string
const read = (name: string) => readFileSync(join(directory, name))
const server = createServer(
  {
    cert: read('server.pem'),
    key: read('server.key'),
    ca: read('ca.pem'),
    requestCert: true,
    rejectUnauthorized: false,
    keepAliveTimeout: 600_000
  },
  (_request, response) => response.end('running')
)
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
