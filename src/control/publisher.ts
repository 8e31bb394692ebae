import type { Order, Publication } from '../model/messages.ts'

/** What all planes are to go by, and the one way to change it. */
export interface Publisher {
  readonly current: () => Required<Publication>
  /** Replaces parts of it and tells every plane; the result is its version. */
  readonly publish: (part: Omit<Publication, 'version'>) => number
}

export function createPublisher(
  first: Omit<Required<Publication>, 'version'>,
  tell: (order: Order) => void
): Publisher {
  let current: Required<Publication> = Object.freeze({ version: 0, ...first })
  return {
    current: () => current,
    publish(part) {
      const version = current.version + 1
      current = Object.freeze({ ...current, ...part, version })
      tell({ type: 'publish', publication: { ...part, version } })
      return version
    }
  }
}
