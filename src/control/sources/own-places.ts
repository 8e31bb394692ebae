import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Boot } from '../../model/settings.ts'

/** Whether this process serves at an address and port. */
export type IsOwn = (address: string, port: number) => boolean

/** Where this process serves. */
export interface OwnPlaces {
  /** As it is at this moment. */
  readonly now: () => IsOwn
  /** It listens on these ports. Until then it is taken to do so on those of the configuration. */
  readonly listening: (port: number, tcpPorts: readonly number[]) => void
}

/** Stand for all addresses there are. */
const all: ReadonlySet<string> = new Set(['::', '0.0.0.0'])

/** `addresses`: of this machine. A name that is listened on may be any of them. */
export function createOwnPlaces(
  { host, port, tcpPorts = [] }: Pick<Boot['listen'], 'host' | 'port' | 'tcpPorts'>,
  addresses: () => readonly string[]
): OwnPlaces {
  const isOne = isIP(host) !== 0 && !all.has(host)
  let ports = [port, ...tcpPorts]
  return {
    now() {
      const own = new Set(isOne ? [host] : [...addresses(), '::1'])
      const isHere = (address: string) => own.has(address) || (!isOne && address.startsWith('127.'))
      return (address, at) => ports.includes(at) && isHere(address)
    },
    listening(next, nextTcp) {
      ports = [next, ...nextTcp]
    }
  }
}

/** Those of this machine's interfaces. */
export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap(each => (each ?? []).map(({ address }) => address))
}
