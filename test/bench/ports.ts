/** Everything listens on 127.0.0.1, in 18400 to 18499. */
export const proxyPorts = { haproxy: 18400, nginx: 18401, 'puppet-lb': 18402 } as const
export const adminPort = 18403

export type ProxyName = keyof typeof proxyPorts
export const proxyNames = Object.keys(proxyPorts) as ProxyName[]

/** How the proxies speak to the masters. */
export const schemes = ['http', 'https'] as const
export type Scheme = (typeof schemes)[number]

export interface BackendPorts {
  readonly masters: readonly number[]
  readonly ca: number
}

export const backendPorts: Readonly<Record<Scheme, BackendPorts>> = {
  http: { masters: [18410, 18411, 18412], ca: 18413 },
  https: { masters: [18420, 18421, 18422], ca: 18423 }
}
