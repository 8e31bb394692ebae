/** Something that changed and that an operator may want to know. */
export interface Event {
  /** Grows by one with each. */
  readonly id: number
  /** ISO 8601. */
  readonly at: string
  /**
   * What kind: `master-up`, `master-down`, `master-ejected`, `master-silent`, `master-joined`, `master-left`, `master-drain`,
   * `master-drained`, `master-undrain`, `master-maint`, `master-weight`, `state`, `reload`, `reload-refused`, `crl`,
   * `ca-document`, `certificate`, `code`, `deployed`, `dns-failed`, `dns-answered`, `worker-died`, `takeover`.
   */
  readonly kind: string
  /** One sentence. */
  readonly text: string
  /** The master it is about, if one. */
  readonly master?: string | undefined
}

/** The last events of this process, and those to come. */
export interface EventLog {
  /** Numbers and dates an event, keeps it and tells every subscriber. */
  readonly add: (event: Pick<Event, 'kind' | 'text' | 'master'>) => void
  /** What is still remembered, oldest first. */
  readonly recent: () => readonly Event[]
  /** Calls `listener` with every event added from now on, until the result is called. A listener must not throw. */
  readonly subscribe: (listener: (event: Event) => void) => () => void
}
