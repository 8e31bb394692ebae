import { isIP } from 'node:net'
import { z } from 'zod'
import { showValue } from './problems.ts'
import {
  durationPattern,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  sizePattern
} from './units.ts'

/** What zod hands to an error function, as far as it matters here. */
interface Complaint {
  readonly input?: unknown
}

/** The sentence for a value that is not what it must be; `allowed` completes "must be". */
export function mustBe(allowed: string): (complaint: Complaint) => string {
  return ({ input }) =>
    input === undefined ? `is missing, must be ${allowed}` : `is ${showValue(input)}, must be ${allowed}`
}

/** Text of which `pattern` accepts all. */
export function text(pattern: RegExp, allowed: string) {
  const error = mustBe(allowed)
  return z.string({ error }).regex(pattern, { error })
}

/** A whole number from `min` to `max`, both allowed. */
export function wholeNumber(min: number, max: number) {
  const error = mustBe(`a whole number from ${min} to ${max}`)
  return z.int({ error }).min(min, { error }).max(max, { error })
}

/** A duration such as `5s`, read as milliseconds; both bounds are in milliseconds and allowed. */
export function duration(minMs: number, maxMs: number) {
  const range = `from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`
  const error = mustBe(`a duration ${range}, written like 250ms, 5s, 10m or 1h`)
  const source = z.string({ error }).meta({ pattern: durationPattern.source })
  return source.transform((written, context) => {
    const durationMs = parseDuration(written)
    if (durationMs !== undefined && durationMs >= minMs && durationMs <= maxMs) return durationMs
    context.issues.push({ code: 'custom', input: written, message: error({ input: written }) })
    return z.NEVER
  })
}

/** A size such as `256MiB`, read as bytes; both bounds are in bytes and allowed. */
export function size(minBytes: number, maxBytes: number) {
  const range = `from ${formatSize(minBytes)} to ${formatSize(maxBytes)}`
  const error = mustBe(`a size ${range}, written like 64KiB, 256MiB or 2GiB`)
  const source = z.string({ error }).meta({ pattern: sizePattern.source })
  return source.transform((written, context) => {
    const bytes = parseSize(written)
    if (bytes !== undefined && bytes >= minBytes && bytes <= maxBytes) return bytes
    context.issues.push({ code: 'custom', input: written, message: error({ input: written }) })
    return z.NEVER
  })
}

/** `auto`, or a whole number from `min` to `max`. */
export function autoOrWholeNumber(min: number, max: number) {
  const error = mustBe(`auto or a whole number from ${min} to ${max}`)
  return z.union([z.literal('auto'), z.int({ error }).min(min, { error }).max(max, { error })], { error })
}

/** `one of a, b`, and a single one by itself. */
export function oneOfText(names: readonly string[]): string {
  return names.length === 1 ? `${names[0]}` : `one of ${names.join(', ')}`
}

function groupText(keys: readonly string[]): string {
  return `a group of the ${keys.length === 1 ? 'key' : 'keys'} ${keys.join(', ')}`
}

/** One of a closed set of names. */
export function oneOf<const Name extends string>(names: readonly Name[]) {
  return z.enum(names, { error: mustBe(oneOfText(names)) })
}

/** True or false. */
export function flag() {
  return z.boolean({ error: mustBe('true or false') })
}

/** The path of a file; whether it exists is found out when it is read. */
export function filePath(what: string) {
  return text(filePathPattern, `the path of ${what}`)
}

/** The path of a file, or a list of at least one. */
export function filePaths(what: string) {
  const error = mustBe(`the path of ${what}, or a list of such paths`)
  // The same sentence at every level, since a union passes on what the alternative that came nearest says.
  const path = z.string({ error }).regex(filePathPattern, { error })
  return z.union([path, z.array(path, { error }).min(1, { error })], { error })
}

/** The absolute path of a Unix socket; the system's structure for its address has room for little more. */
export function socketPath() {
  const error = mustBe('an absolute path of at most 100 bytes')
  return text(/^\/(?:[ -\uffff]*[^/])$/, 'an absolute path of at most 100 bytes').refine(
    path => Buffer.byteLength(path) <= 100,
    { error }
  )
}

/** A group of keys; any other key in it is a problem. */
export function group<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, { error: mustBe(groupText(Object.keys(shape))) })
}

/** One line without control characters, and no PEM text in place of its path. Editors use it without flags. */
const filePathPattern = /^(?!.*-----BEGIN)[ -\uffff]+$/

/** An address to listen on. */
export const host = () =>
  text(/^[A-Za-z0-9.:_%-]+$/, 'an IP address or host name to listen on, IPv6 without brackets')

const networkAllowed = 'an IP address, or a network such as 10.0.0.0/8 or 2001:db8::/32'

/** An IP address, or a network of them. */
export const network = () =>
  z.string({ error: mustBe(networkAllowed) }).refine(isNetwork, { error: mustBe(networkAllowed) })

function isNetwork(written: string): boolean {
  const [, address = '', bits] = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(written) ?? []
  const family = isIP(address)
  return family !== 0 && (bits === undefined || Number(bits) <= (family === 4 ? 32 : 128))
}
