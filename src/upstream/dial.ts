import { createConnection, type Socket } from 'node:net'
import type { Runtime } from '../model/runtime.ts'

/** An address that has not answered by then is not given up, but the next one is tried beside it (RFC 8305, section 5). */
const NEXT_MS = 250

/** Codes that say that this machine has no way to an address, and nothing of whoever is there. */
const noWay: ReadonlySet<string> = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'])

export interface DialOptions {
  /** IP addresses, in the order in which they are tried. */
  readonly addresses: readonly string[]
  readonly port: number
  readonly schedule: Runtime['schedule']
  /** Begins one connection. Default: by TCP. */
  readonly connect?: (to: { readonly host: string; readonly port: number; readonly noDelay: true }) => Socket
}

/** Called once, later: with the error that tells most, or with the connection to the address that was first to answer. */
export type Dialled = (...result: [error: Error, socket: null] | [error: null, socket: Socket]) => void

/** Connects to one of several addresses. The result gives up, whereupon `done` is never called. */
export function dial(
  { addresses, port, schedule, connect = createConnection }: DialOptions,
  done: Dialled
): () => void {
  const left = [...addresses]
  const open = new Set<Socket>()
  const errors: Error[] = []
  let cancelNext = () => {}

  function end(): void {
    cancelNext()
    left.length = 0
    for (const socket of open) socket.destroy()
    open.clear()
  }

  function tryNext(): void {
    cancelNext()
    const host = left.shift()
    if (host === undefined) return
    const socket = connect({ host, port, noDelay: true })
    open.add(socket)
    socket.once('connect', () => {
      open.delete(socket)
      socket.off('error', onError)
      end()
      done(null, socket)
    })
    const onError = (error: Error): void => {
      // One that was given up is not waited for.
      if (!open.delete(socket)) return
      errors.push(error)
      if (left.length > 0) tryNext()
      else if (open.size === 0) done(tellingMost(errors), null)
    }
    socket.on('error', onError)
    if (left.length > 0) cancelNext = schedule(NEXT_MS, tryNext)
  }

  tryNext()
  return end
}

/** All errors as one, with the code of the first that says something about the master. */
function tellingMost(errors: readonly Error[]): Error {
  const codeOf = (error: Error) => (error as NodeJS.ErrnoException).code ?? ''
  const [first = new Error('no address was tried')] = errors
  if (errors.length < 2) return first
  const telling = errors.find(error => !noWay.has(codeOf(error))) ?? first
  return Object.assign(new AggregateError(errors, telling.message), { code: codeOf(telling) })
}
