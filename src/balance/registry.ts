import type { PolicyName } from '../model/settings.ts'
import { leastLoaded } from './least-loaded.ts'
import type { PolicyFactory } from './policy.ts'
import { byRendezvous } from './rendezvous.ts'
import { roundRobin } from './round-robin.ts'

/** Every policy under the name the configuration knows it by. */
export const policies: Readonly<Record<PolicyName, PolicyFactory>> = Object.freeze({
  'least-loaded': leastLoaded,
  'round-robin': roundRobin,
  rendezvous: () => byRendezvous
})
