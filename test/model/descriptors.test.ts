import t from 'tap'
import { descriptorBudget, descriptorWarning } from '../../src/model/descriptors.ts'
import type { Boot, Settings } from '../../src/model/settings.ts'

const boot = (workers: number) => ({ listen: { host: '::', port: 8140, workers } }) as Pick<Boot, 'listen'>
const settings = (masters: number, capacity?: number, connections = 20_000) =>
  ({
    masters: Array.from({ length: masters }, (_, index) => ({ name: `m${index}`, capacity })),
    listen: { limits: { connections } }
  }) as unknown as Pick<Settings, 'masters' | 'listen'>

t.test('what is granted is divided whole: for ourselves, for masters, for agents', async t => {
  for (const granted of [256, 1_024, 65_536]) {
    const { reserved, upstream, agents } = descriptorBudget(granted, boot(2), settings(3, 4))
    t.equal(reserved + upstream + agents, granted)
    t.ok(agents > 0 && upstream > 0)
  }
})

t.test('more masters, JRubies and workers leave less for agents', async t => {
  const agents = (workers: number, masters: number, capacity: number) =>
    descriptorBudget(4_096, boot(workers), settings(masters, capacity)).agents
  t.ok(agents(2, 2, 4) > agents(8, 2, 4))
  t.ok(agents(2, 2, 4) > agents(2, 20, 4))
  t.ok(agents(2, 2, 4) > agents(2, 2, 40))
})

t.test('however many masters there are, agents get two thirds of what is not ours', async t => {
  const { granted, reserved, agents } = descriptorBudget(1_024, boot(2), settings(100, 100))
  t.equal(agents, Math.floor(((granted - reserved) * 2) / 3))
})

t.test('a system that tells no number sets no bound', async t => {
  const budget = descriptorBudget(Number.POSITIVE_INFINITY, boot(2), settings(3))
  t.equal(budget.agents, Number.POSITIVE_INFINITY)
  t.ok(Number.isFinite(budget.upstream))
  t.equal(descriptorWarning(budget, settings(3)), undefined)
})

t.test('too few of them are told in numbers, enough are not worth a word', async t => {
  const budget = descriptorBudget(1_024, boot(0), settings(1))
  t.match(
    descriptorWarning(budget, settings(1)),
    /grants this process 1024 .* so agents get \d+ connections, not the 20000/
  )
  t.equal(descriptorWarning(budget, settings(1, undefined, 100)), undefined)
})
