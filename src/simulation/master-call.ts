import type { Answer } from './answer.ts'
import type { Caller } from './caller.ts'

/** A request as a service of a simulated master gets it: routed, authorized, its body read. */
export interface MasterCall {
  readonly method: string
  /** What follows the indirection in the path, decoded: a certname, a mount and path, a checksum. */
  readonly key: string
  readonly environment: string
  /** Parameters of the query and, for a form, of the body. */
  readonly parameters: URLSearchParams
  readonly caller: Caller
  /** Without its parameters. */
  readonly contentType: string | undefined
  /** `undefined` when it was longer than what a master keeps. */
  readonly body: Buffer | undefined
}

/**
 * Who may call: the rules of Puppet Server's own `auth.conf`. `self`: only the certname in the path. `operator`: whose
 * certificate has the extension `pp_cli_auth`.
 */
export type Access = 'anyone' | 'authenticated' | 'self' | 'operator'

/** What a call costs: a compile, a short visit to a JRuby, or none. */
export type Work = 'compile' | 'light' | 'none'

/** One kind of request a master serves. */
export interface Service {
  readonly access: Access
  readonly work: Work
  readonly serve: (call: MasterCall) => Answer | Promise<Answer>
}
