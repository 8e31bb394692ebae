import type { OperatorMode } from '../model/operation.ts'
import type { MemberSettings } from './roster.ts'
import type { NamedMaster } from './sources/join.ts'

/**
 * What an operator said of one master, or of all below a name. Never empty. `active` and `default` are said of one that
 * is not to be like the others of its group.
 */
export type Override = Word

/** What operators said, by the names of masters, and by `groupKey`. Replaced, never edited. */
export type Overlay = ReadonlyMap<string, Override>

/** Under this is kept what was said of all masters `NAME/...`, those to come too. No master has a name like that. */
export function groupKey(name: string): string {
  return `${name}/`
}

/** Whether a master is in the group of a key. */
export function isIn(name: string, key: string): boolean {
  return key.endsWith('/') && name.startsWith(key)
}

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
  if (overlay.size === 0) return masters
  return masters.map(master => {
    const { mode, weight } = saidOf(master.name, overlay)
    return {
      ...master,
      ...(mode !== undefined && mode !== 'active' && { mode }),
      ...(weight !== undefined && weight !== 'default' && { weight })
    }
  })
}

/** What holds for a name: what was said of it, and for the rest what was said of the group it is in. */
export function saidOf(name: string, overlay: Overlay): Word {
  return { ...groupWordOf(name, overlay), ...overlay.get(name) }
}

function groupWordOf(name: string, overlay: Overlay): Word {
  let word: Word = {}
  // A group is in none itself but those above it.
  for (let at = name.indexOf('/'); at > 0 && at < name.length - 1; at = name.indexOf('/', at + 1))
    word = { ...word, ...overlay.get(groupKey(name.slice(0, at))) }
  return word
}

/** An overlay with one more word about some names. */
export function withWord(overlay: Overlay, names: readonly string[], word: Word): Overlay {
  const next = new Map(overlay)
  for (const name of names) {
    const override = overrideOf({ ...next.get(name), ...word }, groupWordOf(name, next))
    if (override) next.set(name, override)
    else next.delete(name)
  }
  return next
}

/** The same about all masters `group/...`: those there are, of whom nothing else holds any more, and those to come. */
export function withGroupWord(overlay: Overlay, group: string, word: Word): Overlay {
  const key = groupKey(group)
  const next = new Map(withWord(overlay, [key], word))
  const below = [...next.keys()].filter(name => name.startsWith(key) && name !== key)
  for (const name of below) {
    const { mode, weight } = next.get(name) as Override
    const left = {
      ...(word.mode === undefined && mode !== undefined && { mode }),
      ...(word.weight === undefined && weight !== undefined && { weight })
    }
    if (Object.keys(left).length > 0) next.set(name, Object.freeze(left))
    else next.delete(name)
  }
  return next
}

/** An overlay in which nothing is said of some names. */
export function withoutNames(overlay: Overlay, names: readonly string[]): Overlay {
  const left = [...overlay].filter(([name]) => !names.includes(name))
  return left.length === overlay.size ? overlay : new Map(left)
}

/** One line about what operators said of a name, or of a group by its key. */
export function describeOverride(name: string, { mode, weight }: Override): string {
  const modes: Readonly<Record<NonNullable<Word['mode']>, string>> = {
    draining: 'is draining',
    maint: 'is in maintenance',
    active: 'is at work'
  }
  const parts = [
    ...(mode === undefined ? [] : [modes[mode]]),
    ...(weight === undefined
      ? []
      : [weight === 'default' ? 'has its configured weight' : `has the weight ${weight}`])
  ]
  const who = name.endsWith('/') ? `every master ${name}…` : name
  return `${who} ${parts.join(' and ')}, as an operator said`
}

/** What is left to say beside the group; `undefined` for nothing. */
function overrideOf({ mode, weight }: Word, group: Word): Override | undefined {
  const isUsual = { mode: mode === (group.mode ?? 'active'), weight: weight === (group.weight ?? 'default') }
  const left = {
    ...(mode !== undefined && !isUsual.mode && { mode }),
    ...(weight !== undefined && !isUsual.weight && { weight })
  }
  return Object.keys(left).length > 0 ? Object.freeze(left) : undefined
}
