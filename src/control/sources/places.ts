/** How many lookups may run at once. */
const MOST = 2
/** How many of them may be of names whose last lookup failed, and which may well be silent again. */
const MOST_SUSPECTS = 1

/**
 * Places for lookups. The system's resolver takes one of the four threads that Node has for files as well, for as long
 * as a name server is silent; so there are few, and names that answer need not wait behind several that do not.
 */
export interface Places {
  /** Runs a lookup as soon as there is a place, in the order in which they were asked for. It must not reject. */
  readonly run: (isSuspect: boolean, lookup: () => Promise<void>) => void
}

export function createPlaces(): Places {
  const waiting: { readonly isSuspect: boolean; readonly lookup: () => Promise<void> }[] = []
  let busy = 0
  let suspects = 0

  function next(): void {
    while (busy < MOST) {
      const at = waiting.findIndex(({ isSuspect }) => !isSuspect || suspects < MOST_SUSPECTS)
      const [chosen] = at < 0 ? [] : waiting.splice(at, 1)
      if (!chosen) return
      const { isSuspect, lookup } = chosen
      busy++
      if (isSuspect) suspects++
      void lookup().then(() => {
        busy--
        if (isSuspect) suspects--
        next()
      })
    }
  }

  return {
    run(isSuspect, lookup) {
      waiting.push({ isSuspect, lookup })
      next()
    }
  }
}
