import type { OperatorMode } from '../model/operation.ts'
import type { MemberSettings } from './roster.ts'
import type { NamedMaster } from './sources/join.ts'

/** What an operator said of one master. Never empty. */
export interface Override {
  readonly mode?: OperatorMode
  readonly weight?: number
}

/** What operators said, by the names of masters. Replaced, never edited. */
export type Overlay = ReadonlyMap<string, Override>

/** One word of an operator; what is left out stays as it was. */
export interface Word {
  readonly mode?: OperatorMode | 'active'
  readonly weight?: number | 'default'
}

export const noOverlay: Overlay = new Map()

/** Masters as their sources name them, and as operators want them. */
export function overlaid<Source extends NamedMaster>(
  masters: readonly Source[],
  overlay: Overlay
): readonly (Source & MemberSettings)[] {
  return masters.map(master => ({ ...master, ...overlay.get(master.name) }))
}

/** An overlay with one more word about some names. */
export function withWord(overlay: Overlay, names: readonly string[], word: Word): Overlay {
  const next = new Map(overlay)
  for (const name of names) {
    const override = overrideOf(next.get(name), word)
    if (override) next.set(name, override)
    else next.delete(name)
  }
  return next
}

/** An overlay in which nothing is said of some names. */
export function withoutNames(overlay: Overlay, names: readonly string[]): Overlay {
  const left = [...overlay].filter(([name]) => !names.includes(name))
  return left.length === overlay.size ? overlay : new Map(left)
}

/** One line about what operators said of a name. */
export function describeOverride(name: string, { mode, weight }: Override): string {
  const modes: Readonly<Record<OperatorMode, string>> = {
    draining: 'is draining',
    maint: 'is in maintenance'
  }
  const parts = [
    ...(mode === undefined ? [] : [modes[mode]]),
    ...(weight === undefined ? [] : [`has the weight ${weight}`])
  ]
  return `${name} ${parts.join(' and ')}, as an operator said`
}

function overrideOf(before: Override | undefined, word: Word): Override | undefined {
  const mode = word.mode ?? before?.mode ?? 'active'
  const weight = word.weight ?? before?.weight ?? 'default'
  if (mode === 'active' && weight === 'default') return undefined
  return Object.freeze({ ...(mode !== 'active' && { mode }), ...(weight !== 'default' && { weight }) })
}
