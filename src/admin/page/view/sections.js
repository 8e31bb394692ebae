import { Events } from './sections/events.js'
import { Masters } from './sections/masters.js'
import { Pools } from './sections/pools.js'
import { Runs } from './sections/runs.js'
import { Trust } from './sections/trust.js'
import { Verdict } from './sections/verdict.js'

/** What the page consists of, from top to bottom. A section is a file that is given the overview, and a line here. */
export const sections = [Verdict, Masters, Pools, Runs, Trust, Events]
