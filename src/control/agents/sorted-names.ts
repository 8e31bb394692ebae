/** So many that come or go are put into order at once, which takes some milliseconds where there are 100,000. */
const MOST_LEFT = 1_000

/** Names in the order of their characters' codes. To put them into it is left until they are many or somebody asks. */
export interface SortedNames {
  /** One that is not there. */
  readonly add: (name: string) => void
  readonly delete: (name: string) => void
  readonly all: () => readonly string[]
}

export function createSortedNames(): SortedNames {
  let sorted: readonly string[] = []
  const added = new Set<string>()
  const gone = new Set<string>()

  function settle(mostLeft: number): void {
    if (added.size + gone.size <= mostLeft) return
    sorted = changed(sorted, added, gone)
    added.clear()
    gone.clear()
  }

  return {
    add(name) {
      if (!gone.delete(name)) added.add(name)
      settle(MOST_LEFT)
    },
    delete(name) {
      if (!added.delete(name)) gone.add(name)
      settle(MOST_LEFT)
    },
    all() {
      settle(0)
      return sorted
    }
  }
}

/** Only names near those that come or go are looked at: a look at each of 100,000 takes tens of milliseconds. */
function changed(
  sorted: readonly string[],
  added: ReadonlySet<string>,
  gone: ReadonlySet<string>
): readonly string[] {
  const next: string[] = []
  let from = 0
  for (const name of [...added, ...gone].sort()) {
    const at = firstAt(sorted, from, each => each >= name)
    for (; from < at; from++) next.push(sorted[from] as string)
    if (added.has(name)) next.push(name)
    else from++
  }
  for (; from < sorted.length; from++) next.push(sorted[from] as string)
  return next
}

/** The first place from `from` on where something holds that holds for all behind it as well. */
export function firstAt(names: readonly string[], from: number, holds: (name: string) => boolean): number {
  let [low, high] = [from, names.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(names[middle] as string)) high = middle
    else low = middle + 1
  }
  return low
}
