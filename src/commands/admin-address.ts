import { accessSync, constants } from 'node:fs'
import type { AdminBoot } from '../model/settings.ts'

/** Which balancer a command means, as the command line says it. */
export interface AdminFlags {
  /** `http://host:port`, or `unix:` and the path of a socket. */
  readonly admin?: string | undefined
  /** The configuration file of that balancer, which says where its admin listener is. */
  readonly config?: string | undefined
}

/** Where an admin listener is, and what it wants to see. */
export interface AdminAddress {
  /** As a person would write it. */
  readonly name: string
  /** `http://host:port`; through a socket any would do. */
  readonly origin: string
  readonly socketPath?: string | undefined
  readonly token?: string | undefined
}

const SOCKET = '/run/puppet-lb/admin.sock'
const ORIGIN = 'http://127.0.0.1:9140'

/**
 * The listener that a command asks: what `--admin` says, else what the configuration says, else the usual places, the
 * socket before the port. Throws a ConfigError.
 */
export async function findAdmin(flags: AdminFlags, env: NodeJS.ProcessEnv): Promise<AdminAddress> {
  // What `echo` puts behind a token is none of it: the balancer reads the variable so, too.
  const token = env.PUPPET_LB_ADMIN_TOKEN?.trim() || undefined
  if (flags.admin !== undefined) return { ...parseAdmin(flags.admin), token }
  if (flags.config === undefined)
    return isUsable(SOCKET) ? throughSocket(SOCKET) : { ...parseAdmin(ORIGIN), token }
  const { loadAdmin } = await import('../config/load.ts')
  return { token, ...addressOf(loadAdmin(flags.config, env, isUsable)) }
}

/** The listener of a configuration. One on every address is on this machine's own one too. */
export function addressOf({ host, port, socket, token }: AdminBoot): AdminAddress {
  if (socket !== undefined && isUsable(socket)) return throughSocket(socket)
  const own = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const { origin } = new URL(`http://${own.includes(':') ? `[${own}]` : own}:${port}`)
  return { name: origin, origin, ...(token !== undefined && { token }) }
}

/** What `--admin` says; throws a TypeError when it is no address. */
export function parseAdmin(text: string): AdminAddress {
  const [, path] = /^unix:(?:\/\/)?(\/.+)$/.exec(text) ?? []
  if (path !== undefined) return throughSocket(path)
  const { protocol, origin } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new TypeError(`${text} is no address of an admin listener`)
  return { name: origin, origin }
}

function throughSocket(path: string): AdminAddress {
  return { name: `unix:${path}`, origin: 'http://localhost', socketPath: path }
}

/** Somebody else's socket is as good as none: the port may still be open to this user. */
function isUsable(socket: string): boolean {
  try {
    accessSync(socket, constants.W_OK)
    return true
  } catch {
    return false
  }
}
