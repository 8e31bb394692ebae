import type { Event, EventLog } from '../model/event.ts'
import type { Runtime } from '../model/runtime.ts'

/** Remembers the last `size` events of this process. Numbers begin with 1. */
export function createEventLog(wallClock: Runtime['wallClock'], { size = 500 } = {}): EventLog {
  const kept: Event[] = []
  const listeners = new Set<(event: Event) => void>()
  let lastId = 0
  return {
    add({ kind, text, master }) {
      const at = new Date(wallClock()).toISOString()
      const event = Object.freeze({ id: ++lastId, at, kind, text, ...(master !== undefined && { master }) })
      kept.push(event)
      if (kept.length > size) kept.shift()
      // A copy: a listener may end its own subscription, or another's.
      for (const listener of [...listeners]) if (listeners.has(listener)) listener(event)
    },
    recent: () => [...kept],
    subscribe(listener) {
      const subscription = (event: Event) => listener(event)
      listeners.add(subscription)
      return () => listeners.delete(subscription)
    }
  }
}
