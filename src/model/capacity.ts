/**
 * How much of a pool is used and how much more it could take, as `/api/status` shows it. The field names are part of the
 * contract.
 */
export interface PoolCapacity {
  readonly pool: string
  /** JRubies of the masters that new runs go to now. */
  readonly jrubies: number
  /** Over how many minutes it was measured; 0 before the first one is over. */
  readonly minutes: number
  /** The work of these minutes as a share of the JRubies there are now; null while nothing is known. */
  readonly utilization: number | null
  /** The same of the minute with the most work. */
  readonly busiestMinute: number | null
  /** The share at which the pool is full: its slowest runs take two to four times as long as at half load. */
  readonly full: number | null
  /** How many more agents it takes until it is full; below 0: so many are too many. null while that is not known. */
  readonly headroomAgents: number | null
  /** The time from one run of an agent to its next, by which that is reckoned. */
  readonly runIntervalSeconds: number | null
  /** Why the headroom is not known, a clause; else null. */
  readonly unknown: string | null
  /** The same if one master were gone, for each of those that new runs go to. */
  readonly without: readonly CapacityWithout[]
}

export interface CapacityWithout {
  readonly master: string
  /** null: nobody would serve. */
  readonly utilization: number | null
  readonly headroomAgents: number | null
}
