import { type DerElement, derChildren, derElement, derTag } from './der.ts'

/**
 * Serial numbers in rows of `width` bytes, sorted: two's complement as in DER, the sign repeated in front. The rows
 * lie in shared memory, so that every thread reads the same ones.
 */
export interface SortedSerials {
  readonly width: number
  readonly rows: Uint8Array
}

/** Where serial numbers lie: begin and end of each INTEGER's content, one pair after the other. */
export interface SerialSpans {
  readonly bytes: Uint8Array
  readonly spans: Uint32Array
}

/** The serial numbers of several places as one sorted whole. Time and memory grow with their number alone. */
export function sortSerials(places: readonly SerialSpans[]): SortedSerials {
  let count = 0
  let width = 1
  for (const { bytes, spans } of places) {
    count += spans.length / 2
    for (let at = 0; at < spans.length; at += 2) {
      const [start, end] = [spans[at] as number, spans[at + 1] as number]
      width = Math.max(width, end - firstByte(bytes, start, end))
    }
  }
  const unsorted = new Uint8Array(count * width)
  let row = 0
  for (const { bytes, spans } of places) {
    for (let at = 0; at < spans.length; at += 2) {
      const end = spans[at + 1] as number
      const start = firstByte(bytes, spans[at] as number, end)
      const begin = row++ * width
      const padding = width - (end - start)
      unsorted.fill(signOf(bytes, start), begin, begin + padding)
      for (let from = start, to = begin + padding; from < end; ) unsorted[to++] = bytes[from++] as number
    }
  }
  return { width, rows: sorted(unsorted, width, count) }
}

/** Whether a serial number, as `serialOf` gives it, is among the rows. */
export function hasSerial({ width, rows }: SortedSerials, serial: Uint8Array): boolean {
  const padding = width - serial.length
  if (padding < 0) return false
  const sign = signOf(serial, 0)
  let [low, high] = [0, rows.length / width]
  while (low < high) {
    const middle = (low + high) >>> 1
    const difference = compare(rows, middle * width, width, serial, padding, sign)
    if (difference === 0) return true
    if (difference < 0) low = middle + 1
    else high = middle
  }
  return false
}

/** How many of these serial numbers are not among those. */
export function countBeyond({ width, rows }: SortedSerials, those: SortedSerials): number {
  let count = 0
  for (let at = 0; at < rows.length; at += width) {
    if (!hasSerial(those, rows.subarray(firstByte(rows, at, at + width), at + width))) count++
  }
  return count
}

/**
 * The serial number in a certificate's DER, as it is looked up. Node's own hexadecimal text of it lacks the sign.
 * Throws a RangeError for what is no certificate.
 */
export function serialOf(certificate: Buffer): Uint8Array {
  const [tbs] = derChildren(certificate, derElement(certificate, 0))
  if (!tbs) throw new RangeError('no certificate')
  let serial: DerElement | undefined
  for (const part of derChildren(certificate, tbs)) {
    serial = part
    if (part.tag !== derTag.context0) break
  }
  if (serial?.tag !== derTag.integer || serial.contentStart === serial.end) throw new RangeError('no serial')
  // A copy: a view would keep the whole certificate in memory, for as long as its connection lives.
  return Uint8Array.from(
    certificate.subarray(firstByte(certificate, serial.contentStart, serial.end), serial.end)
  )
}

/** Less than zero when the row comes before the serial number, more when it comes after it. */
function compare(
  rows: Uint8Array,
  row: number,
  width: number,
  serial: Uint8Array,
  padding: number,
  sign: number
): number {
  for (let at = 0; at < width; at++) {
    const wanted = at < padding ? sign : (serial[at - padding] as number)
    const difference = (rows[row + at] as number) - wanted
    if (difference !== 0) return difference
  }
  return 0
}

/** Leading bytes that only repeat the sign do not count: some CAs write them, and the number is the same. */
function firstByte(bytes: Uint8Array, start: number, end: number): number {
  let first = start
  while (
    first < end - 1 &&
    bytes[first] === signOf(bytes, first) &&
    signOf(bytes, first + 1) === bytes[first]
  )
    first++
  return first
}

function signOf(bytes: Uint8Array, at: number): 0 | 0xff {
  return (bytes[at] as number) >= 0x80 ? 0xff : 0
}

/** Byte by byte from the last to the first, each time keeping the order of those that are equal. */
function sorted(unsorted: Uint8Array, width: number, count: number): Uint8Array {
  let order = Uint32Array.from({ length: count }, (_, index) => index)
  let next = new Uint32Array(count)
  for (let column = width - 1; column >= 0; column--) {
    const places = placesOf(unsorted, width, column)
    for (const row of order) {
      const value = unsorted[row * width + column] as number
      next[(places[value] as number)++] = row
    }
    ;[order, next] = [next, order]
  }
  const rows = new Uint8Array(new SharedArrayBuffer(count * width))
  for (const [place, row] of order.entries()) {
    rows.set(unsorted.subarray(row * width, (row + 1) * width), place * width)
  }
  return rows
}

/** For each value of a column, the place of the first row that has it. */
function placesOf(rows: Uint8Array, width: number, column: number): Uint32Array {
  const places = new Uint32Array(257)
  for (let at = column; at < rows.length; at += width) {
    const above = (rows[at] as number) + 1
    places[above] = (places[above] as number) + 1
  }
  for (let value = 1; value < 257; value++) {
    places[value] = (places[value] as number) + (places[value - 1] as number)
  }
  return places
}
