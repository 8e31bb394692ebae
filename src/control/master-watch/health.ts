/** What active probes say about one master: up after `rise` good ones in a row, down after `fall` bad ones. */
export interface Health {
  readonly state: () => 'unknown' | 'up' | 'down'
  /** Takes one probe's result; true when the state changed. The very first result decides alone, and `decides` one. */
  readonly record: (healthy: boolean, decides?: boolean) => boolean
}

/** `limits` is asked for with every probe: a reload may change them. */
export function createHealth(limits: () => { readonly rise: number; readonly fall: number }): Health {
  let state: 'unknown' | 'up' | 'down' = 'unknown'
  let against = 0
  return {
    state: () => state,
    record(healthy, decides = false) {
      const says = healthy ? 'up' : 'down'
      if (says === state) {
        against = 0
        return false
      }
      against++
      const { rise, fall } = limits()
      if (!decides && state !== 'unknown' && against < (healthy ? rise : fall)) return false
      state = says
      against = 0
      return true
    }
  }
}
