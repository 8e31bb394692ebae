import { once } from 'node:events'
import { loadAuthority } from '../../src/simulation/certificates.ts'
import { createAttacker } from './attacker-hands.ts'
import { attacks } from './attacks.ts'
import { hostileAgents } from './material.ts'
import type { AttackOrder } from './messages.ts'

// A process of its own, so that its work does not slow the healthy agents that are measured. It says `loaded` when its load
// stands, prepares when it is told to, says `ready`, and begins. The next message ends it, as does the end of its parent.
const [order] = (await once(process, 'message')) as [AttackOrder]
const authority = loadAuthority(order.authority)
const over = new AbortController()
process.once('disconnect', () => over.abort())
const hands = createAttacker({
  port: order.port,
  authority,
  lists: order.lists,
  identity: hostileAgents(authority, order.first),
  signal: over.signal
})
const attack = attacks[order.name]
await attack?.load?.(hands)
const told = once(process, 'message')
process.send?.('loaded')
await told
const run = (await attack?.prepare?.(hands)) ?? (() => attack?.run?.(hands))
process.once('message', () => over.abort())
process.send?.('ready')
await run()
await hands.untilOver()
process.send?.(hands.count, () => process.disconnect())
