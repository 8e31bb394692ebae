import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What an agent asks. */
export interface Question {
  readonly certname: string
  readonly method: string
  readonly target: string
  readonly version: string
}

/** How a request ended, by the books of its worker. */
export interface End {
  readonly status: number
  readonly end: string
}

/** A request and what its agent sees of it. */
export interface Talk {
  readonly question: Question
  /** `undefined` while it is under way. */
  end: End | undefined
  /** More than once is a fault. */
  settled: number
  readonly settle: (end: End) => void
  /** Whether it has a place in a queue. */
  isWaiting: () => boolean
  /** The agent is gone. */
  readonly hangUp: () => void
  /** The agent has ended its side, and may be gone. */
  readonly endSide: () => void
}

/** A request and its response without a connection. Nothing happens to them once `live` runs nothing any more. */
export function fakeExchange(question: Question, live: (work: () => void) => void) {
  const { method, target: url, version } = question
  const socket = Object.assign(new EventEmitter(), {
    remoteAddress: '10.1.0.1',
    readableEnded: false,
    destroy() {}
  })
  const request = Object.assign(new EventEmitter(), {
    ...{ method, url, socket, httpVersion: '1.1', complete: true },
    headers: { host: 'puppet', 'x-puppet-version': version },
    rawHeaders: ['Host', 'puppet', 'X-Puppet-Version', version],
    resume() {}
  })
  const response = Object.assign(new EventEmitter(), {
    ...{ headersSent: false, destroyed: false, writableFinished: false, statusCode: 200 },
    setHeader() {},
    writeHead(status: number) {
      response.headersSent = true
      response.statusCode = status
    },
    write: () => true,
    end() {
      if (response.destroyed) return
      response.writableFinished = true
      response.destroyed = true
      response.emit('close')
    },
    destroy() {
      if (response.destroyed) return
      response.destroyed = true
      response.emit('close')
    }
  })
  const talk: Talk = {
    question,
    end: undefined,
    settled: 0,
    isWaiting: () => false,
    settle(end) {
      talk.settled++
      talk.end = end
    },
    hangUp: () => live(() => response.destroy()),
    endSide: () =>
      live(() => {
        socket.readableEnded = true
        socket.emit('end')
      })
  }
  return {
    talk,
    request: request as unknown as IncomingMessage,
    response: response as unknown as ServerResponse
  }
}
