/** Which way the bytes of a measurement go: from the master to its agent, or to it. */
export const directions = ['down', 'up'] as const
export type Direction = (typeof directions)[number]

/** What the process that plays the agents is told: so many connections at once, each with so many bytes. */
export interface TcpOrder {
  readonly port: number
  readonly direction: Direction
  readonly connections: number
  readonly bytes: number
}

/** Its answer, once all bytes have arrived. */
export type TcpReply =
  | { readonly done: true; readonly seconds: number }
  | { readonly done: false; readonly why: string }

/** Where the process that plays the master listens: for raw TCP, and as the CA. */
export interface TcpPlaces {
  readonly port: number
  readonly caPort: number
}

/** What an agent says first: how many bytes it wants, or that it sends some itself. */
export const wants = (bytes: number): string => `give ${bytes}\n`
export const sends = 'take\n'
/** The master's word that all has arrived. */
export const arrived = 'arrived'
