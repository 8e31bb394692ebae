import { isIPv6 } from 'node:net'

/** Where the demonstration serves. */
export interface DemoPlace {
  /** Its keys and its CA are for nobody else, so loopback unless somebody asks for more. */
  readonly host: string
  readonly port: number
  readonly adminPort: number
}

const everywhere: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

/** Where somebody on this machine reaches what serves on `host`. */
export function hereOf(host: string): string {
  return everywhere.has(host) ? '127.0.0.1' : host
}

/** The same in a URL, by a name where there is one. */
export function nameInUrl(host: string): string {
  const here = hereOf(host)
  if (here === '127.0.0.1') return 'localhost'
  return isIPv6(here) ? `[${here}]` : here
}
