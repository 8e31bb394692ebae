import { isLedTo } from '../../model/pool.ts'
import type { MasterSettings, TcpSettings } from '../../model/settings.ts'
import type { IsOwn } from './own-places.ts'
import { hostOf } from './question.ts'
import type { SrvTarget } from './srv.ts'

/** Why a target cannot be what its record says it is: a clause about it. `undefined`: it can. */
export type Refusal = (target: SrvTarget) => string | undefined

/** By what a record names: masters, or the CA. */
export interface Refusals {
  readonly masters: Refusal
  readonly ca: Refusal
}

export interface RefusalDeps {
  readonly masters: readonly MasterSettings[]
  readonly tcp: readonly TcpSettings[]
  readonly isOwn: IsOwn
  /** Of a target, as far as they are known. */
  readonly addressesOf: (host: string) => readonly string[]
}

const forging =
  'to which listen.tcp passes TLS on: who reaches it so can send it the identity headers that it believes from here'

/**
 * What no record may name: this balancer itself, which would ask itself without end, and as the CA a master that raw TCP
 * leads to, as the configuration may not either.
 */
export function refusalsOf({ masters, tcp, isOwn, addressesOf }: RefusalDeps): Refusals {
  const raw = masters.filter(master => isLedTo(master, tcp))
  function own({ host, port }: SrvTarget): string | undefined {
    return addressesOf(host).some(address => isOwn(address, port)) ? 'this balancer itself' : undefined
  }
  return {
    masters: own,
    ca(target) {
      const master = raw.find(({ url }) => isAt(url, target))
      return master ? `${master.name}, ${forging}` : own(target)
    }
  }
}

function isAt(url: string, { host, port }: SrvTarget): boolean {
  return hostOf(url) === host && (Number(new URL(url).port) || 443) === port
}
