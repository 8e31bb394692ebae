/** What the load process can be asked to do; it answers each with one `LoadReply`. */
export type LoadOrder =
  /** Connects, each time as another agent; the connections stay for `requests`. */
  | { readonly type: 'open'; readonly port: number; readonly connections: number }
  /** Sends `count` small requests over the open connections, each of which sends one at a time. */
  | { readonly type: 'requests'; readonly count: number }
  | { readonly type: 'close' }
  /** `count` whole agent runs of `requests` requests each, a new connection for every run, `atOnce` side by side. */
  | {
      readonly type: 'runs'
      readonly port: number
      readonly count: number
      readonly requests: number
      readonly atOnce: number
    }

export type LoadReply = { readonly type: 'done' } | { readonly type: 'failed'; readonly message: string }

/** Ask a master for this path to be told, as JSON, what it was told. */
export const witnessPath = '/puppet/v3/node/witness'

/** What a master saw of a request. */
export interface Witness {
  readonly port: number
  /** As they came, names and values in turn. */
  readonly rawHeaders: readonly string[]
}

/** What masters answer to a small request. */
export const metadata = Buffer.alloc(2048, 'm')
