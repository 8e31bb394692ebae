import { fnv1a, mix } from '../model/hash.ts'

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
const cell = { hash: 0, check: 1, master: 2 } as const
const PIN_SIZE = 3
/** The second hash starts elsewhere, so that both together tell certnames apart. */
const CHECK_SEED = 0x2545f491

/** `sets` is a power of two; the table holds four times as many pins. Times are on a clock all threads share. */
export function createPinTable(
  { sets, lifeMs }: { readonly sets: number; readonly lifeMs: number },
  shared?: SharedArrayBuffer
): PinTable {
  const pins = sets * WAYS
  const endsBytes = pins * Float64Array.BYTES_PER_ELEMENT
  const buffer = shared ?? new SharedArrayBuffer(endsBytes + pins * PIN_SIZE * Int32Array.BYTES_PER_ELEMENT)
  const endsAtMs = new Float64Array(buffer, 0, pins)
  const cells = new Int32Array(buffer, endsBytes)
  const read = (pin: number, what: number) => Atomics.load(cells, pin * PIN_SIZE + what)
  const write = (pin: number, what: number, value: number) =>
    Atomics.store(cells, pin * PIN_SIZE + what, value)
  const endOf = (pin: number) => endsAtMs[pin] as number

  /** Where the pin of a certname is, or where it would go. */
  function find(hash: number, check: number): { pin: number; isThere: boolean } {
    const first = (hash & (sets - 1)) * WAYS
    let soonest = first
    for (let pin = first; pin < first + WAYS; pin++) {
      if (read(pin, cell.hash) === hash && read(pin, cell.check) === check) return { pin, isThere: true }
      if (endOf(pin) < endOf(soonest)) soonest = pin
    }
    return { pin: soonest, isThere: false }
  }

  function locate(certname: string) {
    const hash = mix(fnv1a(certname)) | 0
    const check = mix(fnv1a(certname, CHECK_SEED)) | 0
    return { hash, check, ...find(hash, check) }
  }

  return Object.freeze({
    buffer,
    get(certname: string, nowMs: number) {
      const { pin, isThere } = locate(certname)
      return isThere && endOf(pin) > nowMs ? read(pin, cell.master) : -1
    },
    set(certname: string, masterIndex: number, nowMs: number) {
      const { pin, hash, check } = locate(certname)
      endsAtMs[pin] = 0
      write(pin, cell.hash, hash)
      write(pin, cell.check, check)
      write(pin, cell.master, masterIndex)
      endsAtMs[pin] = nowMs + lifeMs
    },
    remove(certname: string) {
      const { pin, isThere } = locate(certname)
      if (isThere) endsAtMs[pin] = 0
    }
  })
}
