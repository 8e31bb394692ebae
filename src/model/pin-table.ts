import { fnv1a, mix } from './hash.ts'

/**
 * Which master an agent's run stays on, known to all threads: certname to master, in shared memory. Bounded: a
 * new pin takes the place of the one in its set that ends first. Two threads that write one set at a time may
 * lose one of the pins, which costs an agent its preference and nothing else.
 */
export interface PinTable {
  readonly buffer: SharedArrayBuffer
  /** The master's index, or -1. A certname is known by 64 bits of hash. */
  readonly get: (certname: string, nowMs: number) => number
  readonly set: (certname: string, masterIndex: number, nowMs: number) => void
  readonly remove: (certname: string) => void
}

const WAYS = 4
const cell = { hash: 0, check: 1, master: 2, endsAt: 3 } as const
const PIN_SIZE = 4
/** The second hash starts elsewhere, so that both together tell certnames apart. */
const CHECK_SEED = 0x2545f491

/** `sets` is a power of two; the table holds four times as many pins. Times are on a clock all threads share. */
export function createPinTable(
  { sets, lifeMs }: { readonly sets: number; readonly lifeMs: number },
  shared?: SharedArrayBuffer
): PinTable {
  const buffer = shared ?? new SharedArrayBuffer(sets * WAYS * PIN_SIZE * Int32Array.BYTES_PER_ELEMENT)
  const cells = new Int32Array(buffer)
  const read = (at: number) => Atomics.load(cells, at)

  /** Where the pin of a certname is, or where it would go. */
  function find(hash: number, check: number): { at: number; isThere: boolean } {
    const setAt = (hash & (sets - 1)) * WAYS * PIN_SIZE
    let at = setAt
    for (let way = 0; way < WAYS; way++) {
      const pin = setAt + way * PIN_SIZE
      if (read(pin + cell.hash) === hash && read(pin + cell.check) === check)
        return { at: pin, isThere: true }
      if (read(pin + cell.endsAt) < read(at + cell.endsAt)) at = pin
    }
    return { at, isThere: false }
  }

  function locate(certname: string) {
    const hash = mix(fnv1a(certname)) | 0
    const check = mix(fnv1a(certname, CHECK_SEED)) | 0
    return { hash, check, ...find(hash, check) }
  }

  return Object.freeze({
    buffer,
    get(certname: string, nowMs: number) {
      const { at, isThere } = locate(certname)
      return isThere && read(at + cell.endsAt) > nowMs ? read(at + cell.master) : -1
    },
    set(certname: string, masterIndex: number, nowMs: number) {
      const { at, hash, check } = locate(certname)
      Atomics.store(cells, at + cell.endsAt, 0)
      Atomics.store(cells, at + cell.hash, hash)
      Atomics.store(cells, at + cell.check, check)
      Atomics.store(cells, at + cell.master, masterIndex)
      Atomics.store(cells, at + cell.endsAt, nowMs + lifeMs)
    },
    remove(certname: string) {
      const { at, isThere } = locate(certname)
      if (isThere) Atomics.store(cells, at + cell.endsAt, 0)
    }
  })
}
