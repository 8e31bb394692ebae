import { createHash, timingSafeEqual } from 'node:crypto'
import type { AdminBoot } from '../model/settings.ts'
import { isLoopback, isOwnHost, ownNames } from './host.ts'

/** Why the admin listener does not do what it is asked to: the HTTP status and one sentence. */
const refusals = {
  'bad-target': { status: 400, sentence: 'The path of a request must begin with a slash.' },
  'host-refused': {
    status: 403,
    sentence:
      'The Host of this request is none of this balancer: use an IP address, localhost or the name of the machine, ' +
      'or add the name to admin.hosts.'
  },
  'no-token-set': {
    status: 403,
    sentence:
      'The admin listener can be reached over the network and has no token: set admin.token or ' +
      'PUPPET_LB_ADMIN_TOKEN and start again, or ask through the Unix socket, admin.socket.'
  },
  'header-missing': {
    status: 403,
    sentence:
      'A request that changes something needs the header X-Puppet-LB: 1, which no web page can send unasked.'
  },
  'token-missing': {
    status: 401,
    sentence: 'This needs the admin token, as Authorization: Bearer TOKEN or as the password of Basic.'
  },
  'token-wrong': { status: 401, sentence: 'This is not the admin token.' }
} as const

export type RefusalCode = keyof typeof refusals

/** A request that is refused before it is looked at further. */
export interface Refusal {
  readonly code: RefusalCode
  readonly status: number
  readonly sentence: string
}

/** What of a request over TCP decides; headers as they came, `undefined` where there was none. */
export interface Asked {
  readonly method: string
  /** The request target, query included. */
  readonly target: string
  readonly host: string | undefined
  /** Of `X-Puppet-LB`. */
  readonly mark: string | undefined
  readonly authorization: string | undefined
}

/** Who may do what over TCP: why a request is refused; `undefined` when it is not. */
export type Guard = (asked: Asked) => Refusal | undefined

/** Anybody may ask these, under whatever name the listener is known to a prober. */
const open: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics'])

/** Whether the admin listener can be reached from other machines. Without a token it then refuses everything but probes. */
export function isExposed({ host }: Pick<AdminBoot, 'host'>): boolean {
  return !isLoopback(host)
}

/** The rules for an admin listener on a machine called `hostname`. The Unix socket has none: its mode is its rule. */
export function createGuard(admin: AdminBoot, hostname: string): Guard {
  const exposed = isExposed(admin)
  const names = ownNames([hostname, ...admin.hosts])
  const token = admin.token || undefined
  const checkToken = createTokenCheck(token)

  return ({ method, target, host, mark, authorization }) => {
    if (!target.startsWith('/')) return refusal('bad-target')
    const path = target.split('?', 1)[0] ?? ''
    const isRead = method === 'GET' || method === 'HEAD'
    if (isRead && open.has(path)) {
      return path === '/metrics' && admin.metricsToken ? checkToken(authorization) : undefined
    }
    if (host !== undefined && !isOwnHost(host, names)) return refusal('host-refused')
    if (exposed && token === undefined) return refusal('no-token-set')
    if (!isRead && mark !== '1') return refusal('header-missing')
    const needsToken = exposed || (!isRead && token !== undefined)
    return needsToken ? checkToken(authorization) : undefined
  }
}

function createTokenCheck(
  token: string | undefined
): (authorization: string | undefined) => Refusal | undefined {
  if (token === undefined) return () => refusal('no-token-set')
  const expected = hash(token)
  return authorization => {
    const given = secretIn(authorization)
    if (given === undefined) return refusal('token-missing')
    // Hashes are of one length, so that neither the length nor the time tells anything of the token.
    return timingSafeEqual(hash(given), expected) ? undefined : refusal('token-wrong')
  }
}

/** What an Authorization header offers: a Bearer token, or the password of Basic, whoever the user is. */
function secretIn(authorization: string | undefined): Buffer | undefined {
  const [, scheme = '', credentials = ''] = /^(\w+) +(.*\S) *$/.exec(authorization ?? '') ?? []
  // Node reads each byte of a header as one character.
  if (/^bearer$/i.test(scheme)) return Buffer.from(credentials, 'latin1')
  if (!/^basic$/i.test(scheme)) return undefined
  const pair = Buffer.from(credentials, 'base64')
  const colon = pair.indexOf(':')
  return colon < 0 ? undefined : pair.subarray(colon + 1)
}

function hash(secret: string | Buffer): Buffer {
  return createHash('sha256').update(secret).digest()
}

function refusal(code: RefusalCode): Refusal {
  return { code, ...refusals[code] }
}
