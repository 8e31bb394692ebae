import { type Answer, text } from './answer.ts'
import type { Caller } from './caller.ts'
import type { Access } from './master-call.ts'

/** One access to be judged. */
export interface AccessRequest {
  readonly access: Access
  readonly caller: Caller
  /** The certname in the path, for what only that host may do. */
  readonly key: string
  readonly method: string
  readonly path: string
  /** Certnames that may do administrative things; `undefined` means every authenticated one. */
  readonly admins: readonly string[] | undefined
}

/** The refusal Puppet Server gives by the rules of its `auth.conf`, or `undefined` when it may go on. */
export function refusalOf(request: AccessRequest): Answer | undefined {
  if (isAllowed(request)) return undefined
  const { caller, method, path } = request
  const who = `${caller.certname ?? ''} access to ${path} (method :${method.toLowerCase()})`
  return text(403, `Forbidden request: ${who} (authenticated: ${caller.authenticated}) denied by auth.conf.`)
}

function isAllowed({ access, caller, key, admins }: AccessRequest): boolean {
  if (access === 'anyone') return true
  if (!caller.authenticated) return false
  switch (access) {
    case 'authenticated':
      return true
    case 'self':
      return caller.certname === key
    case 'cli':
      return caller.extensions.pp_cli_auth === 'true'
    case 'admin':
      return admins === undefined || admins.includes(caller.certname ?? '')
  }
}
