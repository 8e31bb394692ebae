/**
 * Asks the system for names, in a network of its own with `/etc/hosts` and `/etc/resolv.conf` of a test; prints what came of
 * it as JSON. See `resolver.test.ts`.
 */
import { readFile } from 'node:fs/promises'
import { createLookups } from '../../../src/control/sources/lookups.ts'
import type { Question } from '../../../src/control/sources/question.ts'
import { createAskDns } from '../../../src/control/sources/resolver.ts'
import { systemRuntime } from '../../../src/model/runtime.ts'
import { type Said, startSmallNameServer } from '../../support/small-name-server.ts'

const told = new Map<string, Said>([
  ['master-1.site-a.example.com 4', ['192.0.2.11']],
  ['both.example.com 4', ['192.0.2.12']],
  ['both.example.com 6', ['2001:db8::12']]
])
const server = await startSmallNameServer('127.0.0.53', (name, family) =>
  name.startsWith('silent') ? 'silent' : (told.get(`${name} ${family}`) ?? [])
)
const question = (name: string): Question => ({ kind: 'host', name, servers: [], refreshMs: 60_000 })
const { ask } = createAskDns()
const addresses = async (name: string, last: readonly string[] = []) => {
  const answer = await ask(question(name), last)
  return 'addresses' in answer ? answer.addresses.toSorted() : []
}

const fromHosts = await addresses('puppetca')
const fromSearch = await addresses('master-1')
const both = await addresses('both.example.com')
told.set('both.example.com 6', 'failure')
const withoutIPv6 = await addresses('both.example.com', both)
told.set('both.example.com 6', ['2001:db8::12'])
told.set('both.example.com 4', 'failure')
const withoutIPv4 = await addresses('both.example.com', both)
told.delete('both.example.com 4')
const onlyIPv6 = await addresses('both.example.com', both)

/** The order in which things ended. */
const order: string[] = []
const lookups = createLookups({
  ask: async ({ name }, last) => ask(question(name), last).finally(() => order.push(name)),
  changed() {},
  runtime: systemRuntime,
  log: { info() {}, warn() {} } as never,
  events: { add() {} }
})
lookups.want([1, 2, 3, 4].map(index => question(`silent-${index}.example.com`)))
await readFile(import.meta.filename)
order.push('file')
await lookups.settled(60_000)
lookups.stop()
server.close()
console.log(JSON.stringify({ fromHosts, fromSearch, both, withoutIPv6, withoutIPv4, onlyIPv6, order }))
