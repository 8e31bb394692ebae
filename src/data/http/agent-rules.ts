import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Routes, Rule } from '../../balance/routes.ts'
import { extensionTexts } from '../../pki/certificate-extensions.ts'
import type { Identity } from '../accept/identity.ts'

/** The rules for whoever is at the other end of a connection. */
export type AgentRules = (identity: Identity, socket: Socket) => readonly Rule[]

/** Works them out once for each connection; its certificate is read only if a route asks for an extension. */
export function createAgentRules(routes: Routes): AgentRules {
  const known = new WeakMap<Identity, readonly Rule[]>()
  return (identity, socket) => {
    const before = known.get(identity)
    if (before) return before
    const rules = routes.rulesFor(agentOf(identity, socket))
    known.set(identity, rules)
    return rules
  }
}

const none: ReadonlyMap<string, string> = new Map()

/** Nothing counts of a certificate that was not verified. */
function agentOf({ certname }: Identity, socket: Socket) {
  let extensions: ReadonlyMap<string, string> | undefined
  return {
    certname,
    extension(oid: string) {
      extensions ??= certname === undefined ? none : extensionsAt(socket)
      return extensions.get(oid)
    }
  }
}

function extensionsAt(socket: Socket): ReadonlyMap<string, string> {
  const certificate = (socket as TLSSocket).getPeerX509Certificate()
  if (!certificate) return none
  try {
    return extensionTexts(certificate.raw)
  } catch {
    // OpenSSL takes encodings that DER does not know. Nothing is read out of these.
    return none
  }
}
