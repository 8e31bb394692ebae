import { createAgentBook, MOST_AGENTS } from '../../../src/control/agents/book.ts'
import { censusOf } from '../../../src/control/agents/census.ts'
import { listAgents } from '../../../src/control/agents/listing.ts'
import { agentFilters, type RunPart, usualAgentQuery } from '../../../src/model/agents.ts'
import { runPart, someDayMs } from '../../support/agents.ts'

/**
 * A program that fills a book as workers do, message by message, for some runs of each agent, and prints what it takes as
 * JSON. To be run with `--expose-gc`.
 */
const HALF_HOUR_MS = 1_800_000
const RUNS = 3
const BATCH = 500

const collect = globalThis.gc as () => void
const used = () => {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function partOf(agent: number, run: number): RunPart {
  const certname = `node-${String((agent * 7_919) % (MOST_AGENTS + BATCH)).padStart(6, '0')}.site-a.example.com`
  return runPart(certname, {
    startsAtMs: run * HALF_HOUR_MS + (agent % 1_700) * 1_000,
    ms: 20_000 + agent / 3,
    requests: 10 + (agent % 17),
    failures: agent % 31 === 0 ? 1 : 0,
    compileMs: 2_000 + ((agent * 31) % 4_001) / 7,
    version: `8.${agent % 10}.${run}`,
    environment: `feature_${agent % 200}`,
    master: `master-${agent % 60}`,
    certificateEndsAtMs: someDayMs + (agent % 1_800) * 86_400_000 + agent
  })
}

const before = used()
const book = createAgentBook(() => someDayMs)
for (let run = 0; run < RUNS; run++) {
  // Some more than fit: those who come last push out others.
  for (let from = 0; from < MOST_AGENTS + BATCH; from += BATCH) {
    const parts = Array.from({ length: BATCH }, (_, index) => partOf(from + index, run))
    book.take(structuredClone(parts))
  }
}
book.certnames()
const bytes = used() - before

const milliseconds: Record<string, number> = {}
function time(name: string, work: () => unknown): void {
  const sinceMs = performance.now()
  work()
  milliseconds[name] = Math.round((performance.now() - sinceMs) * 10) / 10
}
const yardstick = { nowMs: someDayMs + RUNS * HALF_HOUR_MS, mastersMajor: 9 }
time('census', () => censusOf(book.all(), yardstick.nowMs))
for (const filter of [undefined, ...agentFilters])
  time(filter ?? 'name', () => listAgents(book, { ...usualAgentQuery, filter, offset: 1_000 }, yardstick))
book.take([runPart('a-new-one')])
time('sorting names anew', () => book.certnames())
process.stdout.write(JSON.stringify({ agents: book.size(), bytes, milliseconds }))
