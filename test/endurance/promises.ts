import type { Proposal } from '../../src/control/roster.ts'
import type { Master } from '../../src/model/master.ts'
import type { Settings } from '../../src/model/settings.ts'
import type { Agents } from './agents.ts'
import type { Control } from './control.ts'
import type { Machine } from './machines.ts'
import type { Names } from './names.ts'
import { promiseDrains } from './promise-drains.ts'
import { promiseMembers } from './promise-members.ts'
import { promiseSeats } from './promise-seats.ts'
import { promiseServing } from './promise-serving.ts'
import type { Worker } from './worker.ts'

/** What promises are looked at in. */
export interface World {
  readonly control: () => Control
  readonly names: Names
  readonly agents: () => Agents
  /** Those that live. */
  readonly workers: () => readonly Worker[]
  readonly machineOf: (master: Master) => Machine | undefined
  readonly now: () => number
  /** A promise is broken: a sentence. */
  readonly breaks: (sentence: string) => void
}

/** What must hold whatever happens. */
export function createPromises(world: World) {
  const [seats, members] = [promiseSeats(world), promiseMembers(world)]
  const [drains, serving] = [promiseDrains(world), promiseServing(world)]
  return {
    ...{ seats, members, drains, serving },
    adopting(proposal: Proposal, reloaded: Settings | undefined) {
      for (const each of [seats, drains, serving]) each.adopting(proposal)
      members.adopting(proposal, reloaded)
    },
    /** After every event. */
    look() {
      seats.look()
      drains.look()
    },
    /** After every step. */
    inspect() {
      for (const each of [members, drains, serving]) each.inspect()
    },
    begin() {
      seats.begin()
      members.reloaded()
    }
  }
}
