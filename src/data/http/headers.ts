import { isForgeable } from '../../puppet/forged-headers.ts'
import { connectionTokens, hopByHopHeaders } from './hop-by-hop.ts'

/** Header names seen so far and whether they pass. Agents send a dozen; the bound is against those who invent. */
const MAX_KNOWN_NAMES = 1024
const known = new Map<string, boolean>()

function passes(name: string): boolean {
  const remembered = known.get(name)
  if (remembered !== undefined) return remembered
  const lower = name.toLowerCase()
  const result = lower !== 'host' && !hopByHopHeaders.has(lower) && !isForgeable(name)
  if (known.size < MAX_KNOWN_NAMES) known.set(name, result)
  return result
}

/**
 * An agent's headers as a master gets them: without hop-by-hop and forgeable ones, with the master's Host and the
 * identity of the connection. Flat lists of names and values; what is kept is kept in its order and spelling.
 */
export function requestHeaders(
  rawHeaders: readonly string[],
  connection: string | undefined,
  host: string,
  identity: readonly string[]
): string[] {
  const named = namedAway(connection)
  const headers = ['Host', host]
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string
    if (!passes(name)) continue
    if (named?.has(name.toLowerCase())) continue
    headers.push(name, rawHeaders[index + 1] as string)
  }
  for (const item of identity) headers.push(item)
  return headers
}

/**
 * A master's headers as the agent gets them: hop-by-hop ones stay here, and so do what only the balancer may say
 * and a length that a 204 must not have. Takes undici's parsed headers. The length comes last: behind it Node
 * takes the value of a `Content-Disposition` for UTF-8 and spoils it.
 */
export function responseHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  status: number
): string[] {
  const { connection, 'content-length': length } = headers
  const named = namedAway(Array.isArray(connection) ? connection.join(',') : connection)
  const passed: string[] = []
  for (const name in headers) {
    if (staysHere(name) || named?.has(name)) continue
    const value = headers[name]
    if (value === undefined) continue
    if (typeof value === 'string') passed.push(name, value)
    else for (const each of value) passed.push(name, each)
  }
  if (typeof length === 'string' && status !== 204) passed.push('content-length', length)
  return passed
}

/** What only the balancer may say. */
const ours: ReadonlySet<string> = new Set(['x-puppet-lb-reason', 'x-puppet-lb-stale'])

function staysHere(name: string): boolean {
  return name === 'content-length' || ours.has(name) || hopByHopHeaders.has(name)
}

/** Headers that a Connection header declares hop-by-hop; `undefined` for none, which is nearly always. */
function namedAway(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'close' || connection === 'keep-alive') return undefined
  return new Set(connectionTokens(connection))
}

/**
 * Puppet 3 puts its error message there, in whatever language, and undici reads it as UTF-8. It goes out byte for byte;
 * one that was no UTF-8, or that HTTP cannot carry, is left out.
 */
export function reasonPhrase(statusMessage = ''): string {
  if (plain.test(statusMessage)) return statusMessage
  if (statusMessage.includes('\ufffd')) return ''
  const bytes = Buffer.from(statusMessage).toString('latin1')
  return carriable.test(bytes) ? bytes : ''
}

const plain = /^[\t\x20-\x7e]*$/
const carriable = /^[\t\x20-\x7e\x80-\xff]*$/
