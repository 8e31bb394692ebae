import { once } from 'node:events'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { send, text } from './answer.ts'
import { receiveBody } from './received-body.ts'
import type { RecordedRequest } from './request-log.ts'

/**
 * How a request fails. `answer` is given before the body is read. `reset` tears the connection, after the head
 * or once the whole body was read. `silence` neither reads the body nor ever answers. `truncate` promises
 * `bytes` and tears the connection after half of them.
 */
export type Failure =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly body?: string
      readonly headers?: OutgoingHttpHeaders
    }
  | { readonly kind: 'reset'; readonly after: 'head' | 'body' }
  | { readonly kind: 'silence' }
  | { readonly kind: 'truncate'; readonly bytes: number }

/** Which requests fail: the next `times` (default 1) of those that match (default all). */
export interface FailureScope {
  readonly times?: number
  readonly matching?: (request: RecordedRequest) => boolean
}

/** The failures that a test has ordered. */
export interface Failures {
  readonly order: (failure: Failure, scope?: FailureScope) => void
  /** The failure this request meets, taken off the order; `undefined` when it meets none. */
  readonly take: (request: RecordedRequest) => Failure | undefined
}

export function createFailures(): Failures {
  const orders: { readonly failure: Failure; readonly matching: (request: RecordedRequest) => boolean }[] = []
  return {
    order: (failure, { times = 1, matching = () => true } = {}) => {
      for (let i = 0; i < times; i++) orders.push({ failure, matching })
    },
    take: request => {
      const index = orders.findIndex(({ matching }) => matching(request))
      return index < 0 ? undefined : orders.splice(index, 1)[0]?.failure
    }
  }
}

/** Lets a request fail in the way that was ordered; `reset` tears its connection. */
export async function fail(
  request: IncomingMessage,
  response: ServerResponse,
  failure: Failure,
  reset: (socket: Socket) => void
): Promise<void> {
  switch (failure.kind) {
    case 'answer':
      return send(response, text(failure.status, failure.body ?? '', failure.headers))
    case 'silence':
      return
    case 'reset':
      if (failure.after === 'body') await receiveBody(request).catch(() => {})
      reset(request.socket)
      return
    case 'truncate':
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': failure.bytes })
      if (!response.write(Buffer.alloc(Math.floor(failure.bytes / 2)))) await once(response, 'drain')
      reset(request.socket)
  }
}
