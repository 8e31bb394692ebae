/** A gate that tests close to freeze work where it stands, and open again. */
export interface Gate {
  /** Resolves at once while the gate is open, else when it is opened or lets this one through. */
  readonly pass: () => Promise<void>
  readonly close: () => void
  /** Lets the `count` that came first through and stays closed; without a count opens for good. */
  readonly open: (count?: number) => void
  /** How many stand before it. */
  readonly held: () => number
  /** Forgets those who stand before it: their promises never settle. */
  readonly forget: () => void
}

/** A gate, open at first; `onChange` is called whenever somebody stops before it. */
export function createGate(onChange: () => void = () => {}): Gate {
  let closed = false
  let held: (() => void)[] = []
  return {
    pass: () => {
      if (!closed) return Promise.resolve()
      const { promise, resolve } = Promise.withResolvers<void>()
      held.push(resolve)
      onChange()
      return promise
    },
    close: () => {
      closed = true
    },
    open: count => {
      if (count === undefined) closed = false
      const released = held.splice(0, count ?? held.length)
      for (const resolve of released) resolve()
    },
    held: () => held.length,
    forget: () => {
      held = []
    }
  }
}
