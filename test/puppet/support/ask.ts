import { readFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

const ANSWER_DEADLINE_MS = 60_000

export interface Question {
  readonly url: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
  /** PEM file the server's certificate must chain to, or `anything` where identity is not the point. */
  readonly trust: string
  /** PEM files shown as client certificate; without it the client is nobody. */
  readonly as?: { readonly cert: string; readonly key: string }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** One request on a connection of its own. */
export function ask({ url, method = 'GET', headers = {}, body, trust, as }: Question): Promise<Answer> {
  const options = {
    method,
    headers: {
      accept: '*/*',
      ...headers,
      ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) })
    },
    agent: false as const,
    timeout: ANSWER_DEADLINE_MS,
    ...(trust === 'anything' ? { rejectUnauthorized: false } : { ca: readFileSync(trust) }),
    ...(as === undefined ? {} : { cert: readFileSync(as.cert), key: readFileSync(as.key) })
  }
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? requestHttps(url, options) : requestHttp(url, options)
    request.on('timeout', () => request.destroy(new Error(`no answer from ${url}`)))
    request.on('error', reject)
    request.on('response', async response => {
      try {
        const chunks: string[] = await response.setEncoding('utf8').toArray()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: chunks.join('') })
      } catch (error) {
        reject(error)
      }
    })
    request.end(body)
  })
}
