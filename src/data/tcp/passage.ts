import type { Socket } from 'node:net'
import type { Master } from '../../model/master.ts'
import type { Ends } from '../../upstream/proxy-header.ts'
import { plainAddress } from '../accept/network.ts'
import type { ProxyHeader } from '../accept/proxy-protocol.ts'
import type { Visitor } from '../accept/reception.ts'

/**
 * How a connection ended. `complete`: both sides said that they have no more to say. `agent-gone`, `master-lost`: one of
 * them was gone before. `no-master`: nobody took it. `own-fault`: nobody could be asked or reached for want of something
 * of our own, descriptors or ports. `idle`: nobody said anything for too long. `cut`: by us, for a drain
 * or because its master has another use now.
 */
export type PassageEnd =
  | 'complete'
  | 'agent-gone'
  | 'master-lost'
  | 'no-master'
  | 'own-fault'
  | 'idle'
  | 'cut'

/** A connection that is passed on as it is. `silent`: its agent has said nothing yet. */
export type PassageState = 'silent' | 'connecting' | 'open' | 'over'

/** A connection of an agent, and with it one to a master, from its accept to the end of both. */
export class Passage implements Visitor {
  readonly client: Socket
  readonly startedAtMs: number
  /** Port of the listener, as the configuration has it. */
  readonly port: number
  readonly #forget: (passage: Passage) => void
  /** Bytes of its PROXY header, which are the balancer's in front and none of the agent. */
  #headerBytes = 0
  remote: string
  address: number | undefined
  state: PassageState = 'silent'
  master: Master | undefined
  upstream: Socket | undefined
  /** Ids of masters that did not take it. */
  readonly tried: number[] = []
  /** One of these could not be reached for want of something of our own. */
  lacked = false
  end: PassageEnd | undefined
  ends: Ends | undefined
  /** Bytes that were counted already, from the agent and to it. */
  counted = { in: 0, out: 0 }
  /** What gives up what is under way. */
  cancel: () => void = () => {}

  constructor(
    client: Socket,
    { port, remote, nowMs }: { readonly port: number; readonly remote: string; readonly nowMs: number },
    forget: (passage: Passage) => void
  ) {
    this.client = client
    this.port = port
    this.remote = remote
    this.startedAtMs = nowMs
    this.#forget = forget
  }

  /** Nobody knows who it is, so it may go as long as it has nothing to do. */
  get mayGo(): boolean {
    return this.state === 'silent'
  }

  get idleSinceMs(): number {
    return this.startedAtMs
  }

  /** What it has to do may take as long as it likes. */
  get busySinceMs(): undefined {
    return undefined
  }

  /** Bytes that came from the agent and from the master so far. */
  get bytes(): { readonly in: number; readonly out: number } {
    return { in: this.client.bytesRead - this.#headerBytes, out: this.upstream?.bytesRead ?? 0 }
  }

  /** Whose connection it is: what the header says, or the socket's own ends. */
  begin(header: ProxyHeader | undefined): void {
    this.#headerBytes = header?.length ?? 0
    const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = this.client
    this.ends = header?.ends ?? {
      source: { address: plainAddress(remoteAddress), port: remotePort },
      destination: { address: plainAddress(localAddress), port: localPort }
    }
  }

  dismiss(): void {
    this.#forget(this)
    this.client.destroy()
  }
}
