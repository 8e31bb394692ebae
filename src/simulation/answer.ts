import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'

/** Jetty leaves shorter answers as they are. */
const minCompressedBytes = 2048

/** What a simulated master says to a request. */
export interface Answer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: string | Buffer
}

/** An answer in plain text, as the CA and the status service give. */
export function text(status: number, body: string, headers: OutgoingHttpHeaders = {}): Answer {
  return { status, headers: { 'Content-Type': 'text/plain;charset=utf-8', ...headers }, body }
}

/** An answer in JSON. */
export function json(status: number, value: unknown): Answer {
  return {
    status,
    headers: { 'Content-Type': 'application/json;charset=utf-8' },
    body: JSON.stringify(value)
  }
}

/** A file's bytes. */
export function octets(body: Buffer): Answer {
  return { status: 200, headers: { 'Content-Type': 'application/octet-stream' }, body }
}

/** The answer gzipped, if it is text of some length and the receiver accepts that, as Jetty does. */
export function compressed(answer: Answer, acceptEncoding = ''): Answer {
  const { body, headers } = answer
  if (typeof body !== 'string' || body.length < minCompressedBytes || !/\bgzip\b/.test(acceptEncoding))
    return answer
  const encoding = { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' }
  return { ...answer, headers: { ...headers, ...encoding }, body: gzipSync(body) }
}

/** Sends an answer, unless the receiver is gone. */
export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.destroyed) return
  const length = status === 204 ? {} : { 'Content-Length': Buffer.byteLength(body) }
  response.writeHead(status, { ...length, ...headers }).end(body)
}
