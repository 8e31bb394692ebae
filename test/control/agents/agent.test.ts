import t from 'tap'
import {
  agentOf,
  failedRunsOf,
  failureOf,
  requestsPerHour,
  takePart
} from '../../../src/control/agents/agent.ts'
import type { RunPart } from '../../../src/model/agents.ts'
import { runPart, someDayMs } from '../../support/agents.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** An agent of which these parts were told, in this order. */
function told(first: RunPart, ...rest: readonly RunPart[]) {
  const agent = agentOf(first)
  for (const part of rest) takePart(agent, part)
  return agent
}

/** Beginning and length of its last run, in seconds, and its requests. */
function lastRun(...parts: [RunPart, ...RunPart[]]) {
  const { runStartedAtMs, lastSeenMs, requests } = told(...parts)
  return [(runStartedAtMs - someDayMs) / 1_000, (lastSeenMs - runStartedAtMs) / 1_000, requests]
}

const part = (from: number, to: number, rest: Partial<RunPart> = {}) =>
  runPart('a', { startsAtMs: from * 1_000, ms: (to - from) * 1_000, requests: 1, ...rest })
const light = { catalog: undefined, report: undefined, compileMs: undefined } as const

t.test('parts of one run are joined, in whatever order workers tell them', async t => {
  const parts = [part(0, 5, light), part(8, 12, { report: undefined }), part(20, 30, { catalog: undefined })]
  const [a, b, c] = parts as [RunPart, RunPart, RunPart]
  for (const order of [
    [a, b, c],
    [c, b, a],
    [b, c, a],
    [c, a, b]
  ] as [RunPart, RunPart, RunPart][])
    t.same(lastRun(...order), [0, 30, 3])
})

t.test('what begins after a report is another run, however soon', async t => {
  t.same(lastRun(part(0, 30), part(31, 40)), [31, 9, 1])
  t.same(lastRun(part(0, 30), part(36, 40), part(31, 35, light)), [31, 9, 2], 'and has its late parts')
  t.same(lastRun(part(0, 30), part(36, 40), part(28, 29, light)), [36, 4, 1], 'but none of the run before')
})

t.test('a run without a report ends with ten minutes of silence', async t => {
  t.same(lastRun(part(0, 30, { report: undefined }), part(30 + 599, 640, { report: undefined })), [0, 640, 2])
  t.same(lastRun(part(0, 30, { report: undefined }), part(30 + 601, 640, { report: undefined })), [631, 9, 1])
})

t.test('but its report may come an hour later, when it had long to apply', async t => {
  const report = { catalog: undefined, compileMs: undefined }
  t.same(lastRun(part(0, 30, { report: undefined }), part(3_000, 3_001, report)), [0, 3_001, 2])
  t.same(lastRun(part(0, 30, { report: undefined }), part(4_000, 4_001, report)), [4_000, 1, 1])
})

t.test('the last word of an agent counts, and what a run does not say stays', async t => {
  const later = { version: '8.11.0', environment: undefined, compileMs: undefined, certificateEndsAtMs: 9 }
  const agent = told(part(0, 30), part(1_800, 1_830, later))
  t.match(agent, { version: '8.11.0', environment: 'production', compileMs: 4_200, certificateEndsAtMs: 9 })
  takePart(agent, part(1_790, 1_795, { ...light, version: '8.0.0', certificateEndsAtMs: 5 }))
  t.match(agent, { version: '8.11.0', certificateEndsAtMs: 9 })
})

t.test('its master is the one that had its catalog', async t => {
  const file = part(10, 12, { ...light, master: 'm2' })
  const catalog = part(0, 5, { report: undefined, master: 'm1' })
  t.equal(told(catalog, file).master, 'm1')
  t.equal(told(file, catalog).master, 'm1')
})

t.test('failed runs in a row are counted, and a fine one ends the row', async t => {
  const agent = told(part(0, 1, { catalog: 'failed', failures: 1 }))
  t.same([failureOf(agent), failedRunsOf(agent)], ['catalog', 1])
  takePart(agent, part(1_800, 1_801, { report: 'failed' }))
  t.same([failureOf(agent), failedRunsOf(agent)], ['report', 2])
  takePart(agent, part(3_600, 3_601, { failures: 2 }))
  t.same([failureOf(agent), failedRunsOf(agent)], ['answers', 3])
  takePart(agent, part(5_400, 5_401))
  t.same([failureOf(agent), failedRunsOf(agent)], [undefined, 0])
  takePart(agent, part(7_200, 7_201, { failures: 1 }))
  t.equal(failedRunsOf(agent), 1)
})

t.test('a catalog that was given after one that failed is a good one', async t => {
  const failed = part(0, 5, { catalog: 'failed', report: undefined, failures: 1 })
  const given = part(6, 9)
  t.equal(failureOf(told(failed, given)), 'answers')
  t.equal(failureOf(told(given, failed)), 'answers')
})

t.test('the pace of requests is near what it is, and fades', async t => {
  const agent = agentOf(runPart('a', { requests: 20 }))
  for (let run = 1; run < 48; run++)
    takePart(agent, runPart('a', { startsAtMs: run * 30 * MINUTE_MS, requests: 20 }))
  const atMs = agent.lastSeenMs
  const [after, before] = [requestsPerHour(agent, atMs), requestsPerHour(agent, atMs + 30 * MINUTE_MS)]
  t.ok(after > 40 && after < 50, `${after} just after a run`)
  t.ok(before > 30 && before < 40, `${before} before the next one`)
  t.ok(requestsPerHour(agent, atMs + 12 * HOUR_MS) < 0.02)
})
