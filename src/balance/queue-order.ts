import type { Endpoint } from '../puppet/endpoint.ts'

/** The queue's ranks, first come first, by the name they have in metrics. */
export const ranks = ['light', 'report', 'catalog'] as const
export type Rank = (typeof ranks)[number]

/**
 * Milliseconds a newcomer of a better rank may be late and still go first: the ageing. A catalog that waited this
 * long goes before a light request that came just now. In a herd all catalogs wait long; were this less than they do,
 * every file of every run would queue behind them. It is less than agents wait by themselves, ten minutes from 6 on.
 * Who asks for more than one thing at a time is no run, and has the turn of a catalog with all that it asks for beside the
 * first: else twenty agents that do so without a pause keep the catalogs of all others waiting until those have aged.
 */
export const headStartMs: Readonly<Record<Rank, number>> = { light: 0, report: 10_000, catalog: 240_000 }

/** The rank of a request that needs a JRuby; `undefined` for one that needs none and never waits. */
export function rankOf({
  class: endpointClass,
  compiles
}: Pick<Endpoint, 'class' | 'compiles'>): Rank | undefined {
  if (compiles) return 'catalog'
  switch (endpointClass) {
    case 'report':
      return 'report'
    case 'light':
    case 'filebucket':
    case 'other':
      return 'light'
    default:
      return undefined
  }
}
