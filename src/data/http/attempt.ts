import type { Dispatcher } from 'undici'
import type { Master } from '../../model/master.ts'
import type { Upstream } from '../../upstream/pools.ts'
import type { RequestBody } from './body.ts'
import type { Exchange } from './exchange.ts'
import { agentGone, type Failure, failureOf, passedOn, UnusableAnswer } from './failure.ts'
import { requestHeaders } from './headers.ts'

/** How an attempt ended that brought no whole answer. */
export interface Ending {
  /** `declined`: the master is busy and somebody else may do it. */
  readonly why: 'declined' | 'agent-gone' | Failure['reason']
  readonly failure: Failure
  readonly error: Error
  /** A byte of the request may have reached the master. */
  readonly sent: boolean
  /** A byte of the master's answer went to the agent. */
  readonly answered: boolean
}

/** Who is told what becomes of an attempt. Each is called once at most, and nothing after `ended` or `complete`. */
export interface AttemptListener {
  /** The head of the answer. `false` declines it: the request goes to somebody else. */
  readonly head: (status: number, message: string | undefined, headers: AnswerHeaders) => boolean
  readonly data: (chunk: Buffer, controller: Dispatcher.DispatchController) => void
  readonly complete: () => void
  readonly ended: (ending: Ending) => void
  /** A defect of ours showed in one of these. */
  readonly defect: (error: unknown) => void
}

/** What is told and known of masters beside one attempt. */
export interface MasterNews {
  /** Something came from it. */
  readonly heard: (master: Master) => void
  /** Why it is not up, as probes have found it; a clause. */
  readonly causeOf: (master: Master) => string | undefined
}

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Of words before an answer (103 and the like): a master that says more of them says nothing else. */
const MAX_INTERIM = 32

/** One request at one master, from its sending to the end of the answer. */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly master: Master
  readonly sinceMs: number
  #listener: AttemptListener
  readonly #news: MasterNews
  #controller: Dispatcher.DispatchController | undefined
  #answered = false
  #agentGone = false
  #declined = false
  #interim = 0
  /** The head of an answer was there, whatever became of it. */
  #hasHead = false
  /** Its listener has heard the end of it. */
  #isOver = false

  constructor(master: Master, sinceMs: number, listener: AttemptListener, news: MasterNews) {
    this.master = master
    this.sinceMs = sinceMs
    this.#listener = listener
    this.#news = news
  }

  /** Whether the request is on its way, and the master may have seen it. */
  get isSent(): boolean {
    return this.#controller !== undefined
  }

  /** Whether the master's answer has begun to go to the agent. */
  get isAnswered(): boolean {
    return this.#answered
  }

  send(
    { pool, host }: Upstream,
    { request }: Exchange,
    identity: readonly string[],
    body: RequestBody | undefined
  ): void {
    pool.dispatch(
      {
        path: request.url as string,
        method: request.method as Dispatcher.HttpMethod,
        headers: requestHeaders(request.rawHeaders, request.headers.connection, host, identity),
        body: body?.open() ?? null,
        // undici closes the connection after a HEAD unless told not to.
        reset: false
      },
      this
    )
  }

  /** The agent has left: from now on whatever the master says is dropped. */
  leave(): void {
    this.#agentGone = true
  }

  /** Nobody waits for it any more, and its listener hears nothing more of it: only `over` is called, at its end. */
  abandon(over: () => void): void {
    this.#agentGone = true
    this.#listener = { head: () => false, data() {}, complete: over, ended: over, defect: over }
  }

  /** Nobody waits for it any more, and its master is not to go on with it. */
  drop(): void {
    this.abandon(() => {})
    this.abort()
  }

  /** Breaks it off; does nothing before the connection stands. */
  abort(): void {
    this.#controller?.abort(agentGone)
  }

  /** The connection stands and the request goes out now: from here on a master may have seen it. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#agentGone) controller.abort(agentGone)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    message?: string
  ): void {
    this.#news.heard(this.master)
    if (status < 200) {
      if (++this.#interim > MAX_INTERIM || status < 100) controller.abort(new UnusableAnswer())
      return
    }
    this.#hasHead = true
    if (this.#agentGone) {
      // The master is done with what an agent no longer waits for; its answer need not be carried.
      controller.abort(agentGone)
      return
    }
    if (!hasKnownCoding(headers)) {
      controller.abort(new UnusableAnswer())
      return
    }
    try {
      this.#answered = this.#listener.head(status, message, headers)
      this.#declined = !this.#answered
      if (this.#declined) controller.abort(passedOn)
    } catch (error) {
      this.#defect(error)
      controller.abort(agentGone)
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#news.heard(this.master)
    try {
      this.#listener.data(chunk, controller)
    } catch (error) {
      this.#defect(error)
      controller.abort(agentGone)
    }
  }

  onResponseEnd(): void {
    this.#finish(this.#listener.complete)
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const failure = failureOf(error, {
      sent: this.isSent,
      answered: this.#hasHead,
      known: this.#news.causeOf(this.master)
    })
    const why = this.#declined ? 'declined' : this.#agentGone ? 'agent-gone' : failure.reason
    this.#finish(() =>
      this.#listener.ended({ why, failure, error, sent: this.isSent, answered: this.#answered })
    )
  }

  #finish(tell: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    try {
      tell()
    } catch (error) {
      this.#listener.defect(error)
    }
  }

  #defect(error: unknown): void {
    this.#finish(() => this.#listener.defect(error))
  }
}

/** A coding that undici does not undo would be lost with the `Transfer-Encoding` that names it. */
function hasKnownCoding({ 'transfer-encoding': coding }: AnswerHeaders): boolean {
  return coding === undefined || (typeof coding === 'string' && /^(?:chunked|identity)$/i.test(coding))
}
