import { agents } from './agents.ts'
import type { AlertCase } from './alert-case.ts'
import { capacity } from './capacity.ts'
import { certificates } from './certificates.ts'
import { serving } from './serving.ts'
import { surroundings } from './surroundings.ts'

/** At least one case for each alert. */
export const alertCases: readonly AlertCase[] = [
  ...serving,
  ...agents,
  ...capacity,
  ...certificates,
  ...surroundings
]
