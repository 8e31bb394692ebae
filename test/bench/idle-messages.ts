/** What the process that plays the agents is told. */
export type IdleOrder =
  | {
      readonly type: 'open'
      readonly port: number
      readonly count: number
      /** PEM. */
      readonly ca: string
      readonly agents: readonly { readonly cert: string; readonly key: string }[]
    }
  | { readonly type: 'close' }

/** Its answer, once all connections stand or are gone. */
export type IdleReply = { readonly done: true } | { readonly done: false; readonly why: string }
