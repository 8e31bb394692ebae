import type { Readable } from 'node:stream'

/** Places for answers that go on and on, of which a listener has so many. */
export interface StreamPlaces {
  /** The stream that `open` makes, which has a place until it closes; `undefined` when all are taken. */
  readonly take: (open: () => Readable) => Readable | undefined
}

export function createStreamPlaces(count: number): StreamPlaces {
  let taken = 0
  return {
    take(open) {
      if (taken >= count) return undefined
      const stream = open()
      taken++
      stream.once('close', () => taken--)
      return stream
    }
  }
}
