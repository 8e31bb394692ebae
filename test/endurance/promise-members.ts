import { isDeepStrictEqual } from 'node:util'
import {
  noOverlay,
  type Overlay,
  saidOf,
  type Word,
  withGroupWord,
  withoutNames,
  withWord
} from '../../src/control/overlay.ts'
import type { Proposal } from '../../src/control/roster.ts'
import type { Master } from '../../src/model/master.ts'
import type { Operation } from '../../src/model/operation.ts'
import type { Settings } from '../../src/model/settings.ts'
import type { World } from './promises.ts'

/** What operators said stays said, and DNS that says nothing changes nothing. */
export function promiseMembers({ control, names, breaks }: World) {
  let overlay: Overlay = noOverlay
  let fileNames = new Set<string>()
  /** Words of operators until now. */
  let words = 0
  /** Those for maintenance, which are in force at once and hold over what was said before and waits. */
  const atOnce = new Map<number, string>()
  let newsNamed = 0
  let newsAdopted = 0
  let changes = 0

  /** Without news of DNS nobody whom it named may go, and nobody may move. */
  function adopting({ masters }: Proposal, reloaded: Settings | undefined): void {
    const stay = new Map(masters.map(master => [master.id, master]))
    const lost = control()
      .roster.current()
      .masters.filter(({ mode }) => mode !== 'leaving')
      .filter(before => reloaded === undefined || isStillAsked(before, reloaded))
      .filter(({ id, addresses }) => {
        const after = stay.get(id)
        if (!after || after.mode === 'leaving') return true
        return !reloaded && addresses.length > 0 && !isDeepStrictEqual(addresses, after.addresses)
      })
    if (lost.length === 0) return
    if (newsNamed === newsAdopted) breaks(`${lost[0]?.name} left or moved though DNS said nothing`)
    newsAdopted = newsNamed
  }

  function lookAtOverlay(): void {
    const { roster, members, kept } = control()
    if (!isDeepStrictEqual(members.current().overlay, overlay) || !isDeepStrictEqual(kept(), overlay))
      breaks(
        `${JSON.stringify([...overlay])} was said, ${JSON.stringify([...members.current().overlay])} is known`
      )
    for (const master of roster.current().masters) {
      if (master.mode === 'leaving') continue
      const { mode = 'active', weight = 'default' } = saidOf(master.name, overlay)
      if (master.mode !== mode) breaks(`${master.name} is ${master.mode}, not ${mode}`)
      if (weight !== 'default' && weight !== master.weight) breaks(`${master.name} has another weight`)
    }
  }

  /** The file has other names now: what was said of those taken out is forgotten, and nothing else. */
  function reloaded(): void {
    const { masters } = control().members.current()
    const all = new Set(masters.map(({ name }) => name))
    for (const name of fileNames) {
      if (all.has(name)) continue
      overlay = withoutNames(overlay, [name])
      for (const [at, whom] of atOnce) if (whom === name) atOnce.delete(at)
    }
    fileNames = new Set(masters.flatMap(({ name, source }) => (source === 'file' ? [name] : [])))
  }

  /** An operator is about to say something. The result is to be called when that is in force. */
  function saying(name: string, operation: Operation): () => void {
    const { masters } = control().members.current()
    const isKnown = masters.some(each => each.name === name || each.name.startsWith(`${name}/`))
    const at = ++words
    const word = wordOf(operation)
    const isAtOnce = operation.action === 'maint' && isKnown
    if (isAtOnce) atOnce.set(at, name)
    return () => {
      if (isAtOnce && !atOnce.has(at)) return
      overlay = said(overlay, name, word)
      for (const [later, whom] of atOnce) if (later > at) overlay = said(overlay, whom, { mode: 'maint' })
    }
  }

  return {
    ...{ adopting, reloaded, saying },
    /** Of whom something holds that an operator said. */
    named: () => [...overlay.keys()],
    /** The sources were asked whom they name. */
    naming() {
      newsNamed = names.news()
    },
    /** Operators and reloads are at it: 1, or are not any more: -1. */
    changing(by: 1 | -1) {
      changes += by
    },
    inspect() {
      if (changes === 0) lookAtOverlay()
    }
  }
}

/** Whether settings lead to the question that named a master. The file names others as it likes. */
function isStillAsked({ source, name, url }: Master, { discovery, masters }: Settings): boolean {
  if (source === 'srv') return discovery.srv !== undefined
  if (source === 'file') return false
  return masters.some(each => name.startsWith(`${each.name}/`) && each.url === url && each.resolve === 'all')
}

/** An overlay with one more word, about a master or about an entry of the file that is several. */
function said(overlay: Overlay, name: string, word: Word): Overlay {
  return name === 'pool' ? withGroupWord(overlay, name, word) : withWord(overlay, [name], word)
}

function wordOf(operation: Operation): Word {
  if (operation.action === 'weight') return { weight: operation.weight }
  return { mode: ({ drain: 'draining', undrain: 'active', maint: 'maint' } as const)[operation.action] }
}
