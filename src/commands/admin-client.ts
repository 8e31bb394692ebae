import { Agent, type Dispatcher, request } from 'undici'
import type { AdminAddress } from './admin-address.ts'
import { harmless } from './paint.ts'

/** An answer of the admin listener. */
export interface AdminAnswer {
  readonly status: number
  readonly text: string
  /** The code that the listener gives its refusals. */
  readonly reason: string | undefined
  /**
   * Its texts steer no terminal: there are no control characters in them but the ends of lines. Throws an Error when it is
   * no JSON: something else listens there.
   */
  readonly json: () => unknown
}

/** What is asked of an admin listener. */
export interface AdminRequest {
  readonly path: string
  /** Default GET. */
  readonly method?: 'GET' | 'POST'
  /** JSON. Default: none. */
  readonly body?: string
  /** Every other status is an error. Default: 200 alone. */
  readonly accept?: readonly number[]
  /** Longest wait for the whole answer. Default: 5 s. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 5_000
/** No answer of this length is one of ours. */
const MAX_BYTES = 16 * 1024 * 1024

/**
 * Asks the admin listener of a running balancer. Throws an Error with one sentence when it cannot be reached, refuses,
 * or answers with another status than the accepted ones.
 */
export async function askAdmin(
  address: AdminAddress,
  { path, method = 'GET', accept = [200], timeoutMs = TIMEOUT_MS, body }: AdminRequest
): Promise<AdminAnswer> {
  const { status, text, reason } = await send(address, { path, method, timeoutMs, body })
  const listener = `the admin listener ${address.name}`
  if (accept.includes(status)) {
    return {
      status,
      text,
      reason,
      json() {
        try {
          return JSON.parse(text, (_, value) => (typeof value === 'string' ? tame(value) : value))
        } catch {
          throw new Error(`${listener} gave an answer that is not its own: no JSON`)
        }
      }
    }
  }
  const sentence = firstLine(text)
  if (status === 401 || status === 403) throw new Error(`${listener} refused: ${sentence || status}`)
  throw new Error(`${listener} answered ${status}${sentence && `: ${sentence}`}`)
}

async function send(
  { name, origin, socketPath, token }: AdminAddress,
  {
    path,
    method,
    timeoutMs,
    body
  }: Pick<Required<AdminRequest>, 'path' | 'method' | 'timeoutMs'> & { readonly body: string | undefined }
): Promise<Omit<AdminAnswer, 'json'>> {
  const dispatcher = new Agent({
    connect: socketPath === undefined ? {} : { socketPath },
    maxResponseSize: MAX_BYTES
  })
  try {
    const sent = {
      'x-puppet-lb': '1',
      ...(token !== undefined && { authorization: authorization(token) }),
      ...(body !== undefined && { 'content-type': 'application/json' })
    }
    const signal = AbortSignal.timeout(timeoutMs)
    const options = { method, headers: sent, dispatcher, signal, ...(body !== undefined && { body }) }
    const answer: Dispatcher.ResponseData = await request(new URL(path, origin), options)
    const { 'x-puppet-lb-reason': reason } = answer.headers
    return {
      status: answer.statusCode,
      text: await answer.body.text(),
      reason: typeof reason === 'string' ? reason : undefined
    }
  } catch (error) {
    throw new Error(`the admin listener ${name} cannot be reached: ${reasonOf(error, timeoutMs)}`, {
      cause: error
    })
  } finally {
    await dispatcher.destroy()
  }
}

/** The header that carries a token. Basic takes any character, which Bearer does not. */
export function authorization(token: string): string {
  return `Basic ${Buffer.from(`puppet-lb:${token}`).toString('base64')}`
}

function reasonOf(error: unknown, timeoutMs: number): string {
  const { name, code, message } = error as Error & { readonly code?: string | number }
  if (name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`
  return typeof code === 'string' ? code : message
}

function tame(text: string): string {
  return text.split('\n').map(harmless).join('\n')
}

/** As much of a foreign text as may stand in a sentence on a terminal. */
function firstLine(text: string): string {
  const [line = ''] = text.trim().split('\n')
  return harmless(line).slice(0, 300)
}
