import { once } from 'node:events'
import { loadAuthority } from '../../src/simulation/certificates.ts'
import { createAttacker } from './attacker-hands.ts'
import { attacks } from './attacks.ts'
import { hostileAgents } from './material.ts'
import type { AttackOrder } from './messages.ts'

// A process of its own, so that its work does not slow the healthy agents that are measured. It says when it is ready;
// any second message ends it.
const [order] = (await once(process, 'message')) as [AttackOrder]
const authority = loadAuthority(order.authority)
const over = new AbortController()
process.once('message', () => over.abort()).once('disconnect', () => over.abort())
const hands = createAttacker({
  port: order.port,
  authority,
  lists: order.lists,
  identity: hostileAgents(authority, order.first),
  signal: over.signal
})
const attack = attacks[order.name]
const run = attack?.prepare?.(hands) ?? (() => attack?.run?.(hands))
process.send?.('ready')
await run()
await hands.untilOver()
process.send?.(hands.count, () => process.disconnect())
