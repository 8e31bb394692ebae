import { fnv1a, mix } from '../model/hash.ts'
import { seatCount, seatOf } from '../model/master.ts'

/**
 * Which master an agent's run stays on, known to all threads: certname to master id, in shared memory and without a
 * lock. Bounded: a new pin takes the place of the one in its set that ends first. Each pin carries a seal over all its
 * parts; one that is read while it is written, or that two threads wrote at a time, does not match its seal and is no
 * pin. That costs an agent its preference and nothing else. A pin may lead to a master that has left: compare ids.
 */
export interface PinTable {
  /** Shared with workers as it is. */
  readonly buffer: SharedArrayBuffer
  /** The master's id, or -1. A certname is known by 64 bits of hash. */
  readonly get: (certname: string, nowMs: number) => number
  readonly set: (certname: string, id: number, nowMs: number) => void
  readonly remove: (certname: string) => void
  /**
   * Visits every place whose pin is another one than at the last call, with the pin that is there or `undefined`. `seen`
   * has a cell for each of `places` and keeps what that call saw. Takes a fraction of a millisecond: for the control plane.
   */
  readonly eachChanged: (seen: Int32Array, visit: (place: number, pin: Pin | undefined) => void) => void
  readonly places: number
  /**
   * Writes a pin of another process, as `eachChanged` gave it there; the id is one of this table. Does nothing when this
   * process has pinned the agent itself: it has come here since, and what is told of it is older.
   */
  readonly put: (pin: Pin) => void
  /** Ends a pin that was put, unless it is another one by now. */
  readonly drop: (pin: Pin) => void
  /**
   * Whether any pin leads to a master. Looks first where it found one last and then at all others, which takes some
   * tenths of a millisecond when there is none: for the control plane, which asks until that is so.
   */
  readonly isLedTo: (id: number, nowMs: number) => boolean
  /** From now on another process is told of pins, and none is known there yet. For the control plane. */
  readonly beginTelling: () => void
  /** Nobody is told any more. */
  readonly endTelling: () => void
  /** The one that is told has this pin now. */
  readonly setTold: (pin: Pin) => void
  /** Whether the one that is told, should there be one, knows on which master this certname, or that of this pin, stays. */
  readonly isTold: (of: string | Pin) => boolean
}

/** A pin as another process can read it. The hash and the check are all that is known of its certname. */
export interface Pin {
  readonly hash: number
  readonly check: number
  /** The master's. */
  readonly id: number
  /** In seconds on the clock all threads share. */
  readonly endsAtS: number
  /**
   * Tells one pin of an agent from its next, should both lead to the same master: it stays while the pin is prolonged. It
   * is the same number in every process that has this pin.
   */
  readonly episode: number
}

const WAYS = 4
const cell = { hash: 0, check: 1, id: 2, endsAtS: 3, episode: 4, seal: 5, told: 6, carried: 7 } as const
const PIN_SIZE = 8
/** The second hash starts elsewhere, so that both together tell certnames apart. */
const CHECK_SEED = 0x2545f491
/** Makes sure that a pin of zeros, which is an empty one, does not match its seal. */
const SEAL_SEED = 0x51ed270b
/** Before the pins: which one in a row is told of them, and the last one that was. Zero is nobody. */
const head = { listener: 0, last: 1 } as const
const HEAD_SIZE = 2

/**
 * `sets` is a power of two; the table holds four times as many pins. Times are on a clock all threads share, and a pin
 * lives `lifeMs`, up to a second more.
 */
export function createPinTable(
  { sets, lifeMs }: { readonly sets: number; readonly lifeMs: number },
  shared?: SharedArrayBuffer
): PinTable {
  const buffer =
    shared ?? new SharedArrayBuffer((HEAD_SIZE + sets * WAYS * PIN_SIZE) * Int32Array.BYTES_PER_ELEMENT)
  const cells = new Int32Array(buffer)
  const pinCount = sets * WAYS
  /** By seat: where a pin was found last that leads there. */
  const lastFound = new Int32Array(seatCount)
  const placeOf = (pin: number, what: keyof typeof cell) => HEAD_SIZE + pin * PIN_SIZE + cell[what]
  const read = (pin: number, what: keyof typeof cell) => Atomics.load(cells, placeOf(pin, what))
  const write = (pin: number, what: keyof typeof cell, value: number) => {
    Atomics.store(cells, placeOf(pin, what), value)
  }

  /** What is in a place, if it is the pin of this certname; `undefined` when it is another's, or torn. */
  function readIf(pin: number, { hash, check }: Key): Pin | undefined {
    if (read(pin, 'hash') !== hash || read(pin, 'check') !== check) return undefined
    const id = read(pin, 'id')
    const endsAtS = read(pin, 'endsAtS')
    const episode = read(pin, 'episode')
    if (read(pin, 'seal') !== sealOf(hash, check, id, endsAtS, episode)) return undefined
    return { hash, check, id, endsAtS: endsAtS >>> 0, episode }
  }

  /** The pin of a certname and where it is. */
  function find(key: Key): { readonly at: number; readonly pin: Pin } | undefined {
    const first = firstOf(key)
    for (let at = first; at < first + WAYS; at++) {
      const pin = readIf(at, key)
      if (pin) return { at, pin }
    }
    return undefined
  }

  const isCarried = ({ at, pin }: { readonly at: number; readonly pin: Pin }) =>
    read(at, 'carried') === markOf(pin)

  function leadsTo(pin: number, id: number, nowMs: number): boolean {
    if (read(pin, 'id') !== id) return false
    const pinned = readIf(pin, { hash: read(pin, 'hash'), check: read(pin, 'check') })
    return pinned?.id === id && pinned.endsAtS * 1000 > nowMs
  }

  const isOf = (pin: number, { hash, check }: Key) =>
    read(pin, 'hash') === hash && read(pin, 'check') === check
  /** Breaks its seal, which depends on the end one to one. */
  const end = (pin: number) => write(pin, 'endsAtS', 0)

  /** Where a pin of a certname is to be written; if two threads have made two of them, one ends here. */
  function place(key: Key): number {
    const first = firstOf(key)
    let own = -1
    let soonest = first
    for (let pin = first; pin < first + WAYS; pin++) {
      if (isOf(pin, key)) {
        if (own >= 0) end(pin)
        else own = pin
      }
      if (read(pin, 'endsAtS') >>> 0 < read(soonest, 'endsAtS') >>> 0) soonest = pin
    }
    return own >= 0 ? own : soonest
  }

  const firstOf = ({ hash }: Key) => (hash & (sets - 1)) * WAYS

  /** The seal comes last: who reads a whole pin knows whether it was carried here. */
  function store(pin: Pin, isPut: boolean): void {
    const { hash, check, id, endsAtS, episode } = pin
    const at = place({ hash, check })
    write(at, 'hash', hash)
    write(at, 'check', check)
    write(at, 'id', id)
    write(at, 'endsAtS', endsAtS | 0)
    write(at, 'episode', episode)
    if (isPut) write(at, 'carried', markOf(pin))
    write(at, 'seal', sealOf(hash, check, id, endsAtS | 0, episode))
  }

  /** A pin that leads where it led goes on, unless it is another process's: what that still tells of it is old now. */
  function episodeOf(key: Key, id: number, nowMs: number): number {
    const found = find(key)
    const fresh = nowMs | 0
    if (!found) return fresh
    const { pin } = found
    if (pin.id === id && pin.endsAtS * 1000 > nowMs && !isCarried(found)) return pin.episode
    return pin.episode === fresh ? fresh + 1 : fresh
  }

  function pinAt(pin: number): Pin | undefined {
    return readIf(pin, { hash: read(pin, 'hash'), check: read(pin, 'check') })
  }

  return Object.freeze({
    buffer,
    get(certname: string, nowMs: number) {
      const found = find(keyOf(certname))
      return found && found.pin.endsAtS * 1000 > nowMs ? found.pin.id : -1
    },
    set(certname: string, id: number, nowMs: number) {
      const key = keyOf(certname)
      const endsAtS = Math.ceil((nowMs + lifeMs) / 1000)
      store({ ...key, id, endsAtS, episode: episodeOf(key, id, nowMs) }, false)
    },
    places: sets * WAYS,
    eachChanged(seen: Int32Array, visit: (place: number, pin: Pin | undefined) => void) {
      for (let place = 0; place < sets * WAYS; place++) {
        // An end leaves the seal as it was.
        const stamp = read(place, 'seal') ^ read(place, 'endsAtS')
        if (stamp === seen[place]) continue
        const pin = pinAt(place)
        // It is being written. The next call finds it whole; an end would have its agent let go and its run mixed.
        if (!pin && read(place, 'endsAtS') !== 0) continue
        seen[place] = stamp
        visit(place, pin)
      }
    },
    put(pin: Pin) {
      const found = find(pin)
      if (!found || isCarried(found)) store(pin, true)
    },
    drop({ hash, check, id, episode }: Pin) {
      const found = find({ hash, check })
      if (found && isCarried(found) && found.pin.id === id && found.pin.episode === episode) end(found.at)
    },
    remove(certname: string) {
      const key = keyOf(certname)
      const first = firstOf(key)
      for (let pin = first; pin < first + WAYS; pin++) if (isOf(pin, key)) end(pin)
    },
    isLedTo(id: number, nowMs: number) {
      const seat = seatOf(id)
      const start = lastFound[seat] as number
      for (let step = 0; step < pinCount; step++) {
        const pin = (start + step) & (pinCount - 1)
        if (!leadsTo(pin, id, nowMs)) continue
        lastFound[seat] = pin
        return true
      }
      return false
    },
    beginTelling() {
      Atomics.store(cells, head.listener, Atomics.add(cells, head.last, 1) + 1)
    },
    endTelling() {
      Atomics.store(cells, head.listener, 0)
    },
    setTold(pin: Pin) {
      const listener = Atomics.load(cells, head.listener)
      const first = firstOf(pin)
      // Should another thread move the pin at this moment, the mark does not fit it.
      for (let at = first; at < first + WAYS; at++)
        if (isOf(at, pin)) write(at, 'told', markOf(pin, listener))
    },
    isTold(of: string | Pin) {
      const listener = Atomics.load(cells, head.listener)
      if (listener === 0) return true
      const found = find(typeof of === 'string' ? keyOf(of) : of)
      return !found || read(found.at, 'told') === markOf(found.pin, listener)
    }
  })
}

/** A certname, as the table knows it. */
interface Key {
  readonly hash: number
  readonly check: number
}

function keyOf(certname: string): Key {
  return { hash: mix(fnv1a(certname)) | 0, check: mix(fnv1a(certname, CHECK_SEED)) | 0 }
}

/** Each step is one to one, so two pins that differ in one part never have the same seal. */
function sealOf(hash: number, check: number, id: number, endsAtS: number, episode: number): number {
  return mix(mix(mix(mix(mix(SEAL_SEED ^ hash) ^ check) ^ id) ^ endsAtS) ^ episode) | 0
}

/** Says something of a pin for as long as it leads where it does, however often it is prolonged. */
function markOf({ hash, check, id, episode }: Pin, of = 0): number {
  return sealOf(hash, check, id, of, episode)
}
