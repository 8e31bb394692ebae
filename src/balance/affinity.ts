import type { Affinity } from '../model/settings.ts'
import type { EndpointClass } from '../puppet/endpoint.ts'

/** What a request does with its agent's pin. */
export interface PinUse {
  /** Goes to the pinned master while that takes work. */
  readonly follows: boolean
  /** Pins the agent to the master it got. */
  readonly pins: boolean
  /** Ends the run, and with it the pin. */
  readonly ends: boolean
}

const ignores: PinUse = { follows: false, pins: false, ends: false }
const stays: PinUse = { follows: true, pins: true, ends: false }

/** A seam before the catalog: it goes where there is room, and its files follow it. Another before the report. */
const byPhase: Partial<Record<EndpointClass, PinUse>> = {
  light: stays,
  catalog: { follows: false, pins: true, ends: false },
  report: { follows: false, pins: false, ends: true }
}

const byRun: Partial<Record<EndpointClass, PinUse>> = {
  light: stays,
  catalog: stays,
  report: { follows: true, pins: false, ends: true }
}

/**
 * What a request of a class does with its agent's pin. A run mixes code of two masters when it gets metadata from
 * one and content from another, which agents since 6.17 refuse. But a run has seams: pluginsync, then the catalog
 * with its files, then the report; nothing that belongs together crosses one.
 */
export function pinUseOf(affinity: Affinity, endpointClass: EndpointClass): PinUse {
  if (affinity === 'none') return ignores
  return (affinity === 'phase' ? byPhase : byRun)[endpointClass] ?? ignores
}
