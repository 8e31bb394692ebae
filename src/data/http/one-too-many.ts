import { ProxyError } from '../../model/errors.ts'
import { hasBody } from './body.ts'
import type { Exchange } from './exchange.ts'
import type { ServeDeps } from './serve.ts'

/** Refuses a request on a connection beyond those its certname may have, and closes that with the answer. */
export function refuseOneTooMany(
  exchange: Exchange,
  certname: string | undefined,
  { responder, endConversation }: Pick<ServeDeps, 'responder' | 'endConversation'>
): void {
  exchange.certname = certname
  // While a body comes it stays open: the answer would get lost.
  if (!hasBody(exchange.request)) endConversation(exchange)
  responder.refuse(exchange, new ProxyError('too-many-connections'))
}
