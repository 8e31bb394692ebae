import { once } from 'node:events'
import type { TestPki } from './balancer.ts'
import { connectRawAgent } from './raw-agent.ts'

/** Requests under way at a time. */
const PIPELINED = 20
/** As long as a path may be and stand whole in the access log. */
const PATH_LENGTH = 1_000
const answerBegin = 'HTTP/1.1 403 '

/**
 * Asks, on one connection and without a certificate, for what the balancer refuses by itself; each request is a long
 * line of the access log. `requests` is a multiple of twenty. Resolves with the number of answers once all have come.
 */
export async function chatter(
  t: { teardown: (task: () => unknown) => void },
  pki: TestPki,
  port: number,
  requests: number
): Promise<number> {
  const { socket } = await connectRawAgent(t, pki, port)
  const path = '/puppet-admin-api/v1/'.padEnd(PATH_LENGTH, 'x')
  const batch = `GET ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`.repeat(PIPELINED)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let answers = 0
  let rest = ''
  socket.on('data', (bytes: Buffer) => {
    const pieces = (rest + bytes.toString('latin1')).split(answerBegin)
    rest = (pieces.at(-1) ?? '').slice(1 - answerBegin.length)
    const before = answers
    answers += pieces.length - 1
    if (answers === requests) resolve(answers)
    else if (Math.floor(answers / PIPELINED) > Math.floor(before / PIPELINED)) socket.write(batch)
  })
  socket.once('close', () => reject(new Error(`the connection ended after ${answers} answers`)))
  socket.write(batch)
  const count = await promise
  socket.destroy()
  await once(socket, 'close')
  return count
}
