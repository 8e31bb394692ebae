import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from './caller.ts'
import type { ReceivedBody } from './received-body.ts'

/** One request as a simulated master saw it. The optional fields appear as it goes on. */
export interface RecordedRequest {
  readonly method: string
  /** The request target, byte for byte. */
  readonly url: string
  /** Who the master took the sender for, once it looked. */
  readonly caller?: Caller
  /** Length of the body, once all of it was received and read. */
  readonly body?: { readonly bytes: number }
  /** Status of the answer, once it was given. */
  readonly status?: number
}

/** The requests of one master. */
export interface RequestLog {
  /** The newest requests, oldest first. */
  readonly requests: readonly RecordedRequest[]
  /** How many there were in all. */
  readonly count: () => number
  /** Records a request from now until its end; what is learnt about it is added through the result. */
  readonly record: (request: IncomingMessage, response: ServerResponse) => RecordInProgress
}

/** A request that goes on. */
export interface RecordInProgress {
  readonly identified: (caller: Caller) => void
  readonly received: (body: ReceivedBody) => void
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** The oldest requests are forgotten beyond this many. */
const maxRemembered = 10_000

/** A log; `onChange` is called when a request begins, is read, and ends. */
export function createRequestLog(onChange: () => void): RequestLog {
  const requests: RecordedRequest[] = []
  let count = 0

  return {
    requests,
    count: () => count,
    record: ({ method = '', url = '' }, response) => {
      const entry: Writable<RecordedRequest> = { method, url }
      count++
      requests.push(entry)
      if (requests.length > maxRemembered) requests.shift()
      response.once('close', () => {
        if (response.headersSent) entry.status = response.statusCode
        onChange()
      })
      onChange()
      return {
        identified: caller => {
          entry.caller = caller
        },
        received: ({ bytes }) => {
          entry.body = { bytes }
          onChange()
        }
      }
    }
  }
}
