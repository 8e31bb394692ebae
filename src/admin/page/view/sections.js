import { Agents } from './sections/agents.js'
import { Capacity } from './sections/capacity.js'
import { Code } from './sections/code.js'
import { Events } from './sections/events.js'
import { Masters } from './sections/masters.js'
import { Pools } from './sections/pools.js'
import { Runs } from './sections/runs.js'
import { Trust } from './sections/trust.js'
import { Verdict } from './sections/verdict.js'

/** What the page consists of, from top to bottom. A section is a file that is given the overview, and a line here. */
export const sections = [Verdict, Masters, Pools, Capacity, Runs, Agents, Code, Trust, Events]
