import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'

/** Jetty leaves shorter answers as they are. */
const minCompressedBytes = 2048

/** What a simulated master says to a request. */
export interface Answer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: string | Buffer | Readable
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

/** A file's bytes; a stream is sent at the receiver's pace. */
export function octets(body: Buffer | Readable, bytes: number): Answer {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': bytes },
    body
  }
}

/** The answer gzipped, if it is text of some length and the receiver accepts that. */
export function compressed(answer: Answer, acceptEncoding = ''): Answer {
  const { body, headers } = answer
  if (typeof body !== 'string' || body.length < minCompressedBytes || !/\bgzip\b/.test(acceptEncoding))
    return answer
  const encoding = { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' }
  return { ...answer, headers: { ...headers, ...encoding }, body: gzipSync(body) }
}

/** Sends an answer, unless the receiver is gone. Resolves when it is sent or cannot be. */
export async function send(response: ServerResponse, { status, headers, body }: Answer): Promise<void> {
  if (response.destroyed) {
    if (body instanceof Readable) body.destroy()
    return
  }
  response.writeHead(status, { ...lengthOf(body, status), ...headers })
  if (!(body instanceof Readable)) {
    response.end(body)
    return
  }
  // A receiver that hangs up half-way is recorded elsewhere and is no error of the master.
  await pipeline(body, response).catch(() => {})
}

function lengthOf(body: Answer['body'], status: number): OutgoingHttpHeaders {
  if (body instanceof Readable || status === 204 || status === 304) return {}
  return { 'Content-Length': Buffer.byteLength(body) }
}
