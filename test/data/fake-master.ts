import type { Dispatcher, Pool } from 'undici'
import type { Upstream } from '../../src/upstream/pools.ts'

/** A request as a master got it, and what the master does about it. */
export interface Delivered {
  readonly options: Dispatcher.DispatchOptions
  /** Why the balancer broke it off; `undefined` while it has not. */
  readonly aborted: () => Error | undefined
  /** The connection stands and the request goes out. */
  readonly connect: () => void
  /** The head of an answer. */
  readonly head: (status: number, headers?: Readonly<Record<string, string>>) => void
  readonly data: (text: string) => void
  readonly end: () => void
  /** It breaks off, or never comes about, with an error of undici's or the system's. */
  readonly fail: (code: string) => void
}

/** A master at the other end of undici's interface: what it does and when is for the test to say. */
export interface FakeMaster extends Upstream {
  readonly delivered: readonly Delivered[]
  /** The request that came last. */
  readonly last: () => Delivered
  /** From now on every request fails before this has returned, as it does at a pool that is closed. */
  readonly refuse: () => void
}

export function fakeMaster(host: string): FakeMaster {
  const delivered: Delivered[] = []
  let isClosed = false
  const pool = {
    dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) {
      const request = deliver(options, handler)
      delivered.push(request)
      if (isClosed) request.fail('UND_ERR_CLOSED')
      return true
    }
  }
  return {
    pool: pool as unknown as Pool,
    host,
    delivered,
    last: () => delivered.at(-1) as Delivered,
    refuse() {
      isClosed = true
    }
  }
}

/** As undici has it: what was broken off or has ended hears nothing more. */
function deliver(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): Delivered {
  let aborted: Error | undefined
  let isOver = false
  const controller = {
    abort(reason: Error) {
      if (isOver) return
      aborted = reason
      end(reason)
    },
    pause() {},
    resume() {}
  } as unknown as Dispatcher.DispatchController

  function end(error: Error): void {
    isOver = true
    handler.onResponseError?.(controller, error)
  }

  return {
    options,
    aborted: () => aborted,
    connect: () => handler.onRequestStart?.(controller, {}),
    head(status, headers = {}) {
      if (!isOver) handler.onResponseStart?.(controller, status, { ...headers }, 'a reason')
    },
    data(text) {
      if (!isOver) handler.onResponseData?.(controller, Buffer.from(text))
    },
    end() {
      if (isOver) return
      isOver = true
      handler.onResponseEnd?.(controller, {})
    },
    fail(code) {
      if (!isOver) end(Object.assign(new Error(code), { code }))
    }
  }
}
