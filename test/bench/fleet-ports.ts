/** Everything of this benchmark listens on 127.0.0.1, in 18500 to 18599. Nothing listens at `ca`: no run needs it. */
export const fleetPorts = {
  proxy: 18500,
  ca: 18502,
  firstMaster: 18510,
  furtherProxy: 18550,
  admin: 18560
} as const

/** The port of a proxy by its place among several of the same. */
export function proxyPortOf(index: number): number {
  return index === 0 ? fleetPorts.proxy : fleetPorts.furtherProxy + index
}

/** The port of a master by its place in the fleet. */
export function portOf(index: number): number {
  return fleetPorts.firstMaster + index
}
