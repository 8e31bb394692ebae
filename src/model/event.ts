/** Something that changed and that an operator may want to know. */
export interface Event {
  /** Grows by one with each. */
  readonly id: number
  /** ISO 8601. */
  readonly at: string
  /** What kind: `master-up`, `master-down`, `master-ejected`, `master-joined`, `master-left`, `reload`, `reload-refused`, `crl`, `worker-died`. */
  readonly kind: string
  /** One sentence. */
  readonly text: string
  /** The master it is about, if one. */
  readonly master?: string | undefined
}
