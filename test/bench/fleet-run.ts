import { setTimeout as wait } from 'node:timers/promises'
import type { SecureContext } from 'node:tls'
import { openConnection } from './agent-connection.ts'
import type { Receipt, RunRecord } from './fleet-messages.ts'
import { type PlannedRun, pluginRequests, thinkMs } from './fleet-plan.ts'
import { bytesOf, type Step, stepsOf } from './fleet-steps.ts'

export interface FleetAgent {
  readonly certname: string
  readonly context: () => SecureContext
}

/** A whole run over a TLS connection of its own. Never rejects: what goes wrong is in the record. */
export async function performRun(
  port: number,
  agent: FleetAgent,
  { serviceMs }: PlannedRun,
  { compression, signal }: { readonly compression: number; readonly signal: AbortSignal }
): Promise<RunRecord> {
  const sinceMs = performance.now()
  const lightWaitsMs: number[] = []
  let catalogWaitMs = 0
  let jrubyMs = 0
  let isMixed = false
  let isCrowded = false
  let previous: Receipt | undefined
  let compiler: string | undefined
  let connection: Awaited<ReturnType<typeof openConnection>> | undefined
  let kind: Step['kind'] | 'connect' = 'connect'
  const record = (lost?: string): RunRecord => ({
    durationMs: performance.now() - sinceMs,
    catalogWaitMs,
    lightWaitsMs,
    isMixed,
    isCrowded,
    serviceMs: jrubyMs,
    ...(lost !== undefined && (kind === 'report' ? { lostReport: lost } : { failure: `${kind}: ${lost}` }))
  })
  try {
    connection = await openConnection(port, agent.context())
    for (const [index, step] of stepsOf(agent.certname).entries()) {
      await wait(thinkMsBefore(step, previous !== undefined && index > pluginRequests + 1) / compression)
      kind = step.kind
      const askedMs = performance.now()
      const answer = await abortable(connection.ask(bytesOf(step, serviceMs[index] as number)), signal)
      if (answer.status !== 200) return record(`status ${answer.status}`)
      const receipt = JSON.parse(answer.body.toString('latin1')) as Receipt
      if (!receipt.isVerified) return record('the master was not told who asks')
      jrubyMs += receipt.serviceMs
      isCrowded ||= receipt.isCrowded
      const waitMs = performance.now() - askedMs - receipt.serviceMs
      if (kind === 'catalog') {
        catalogWaitMs = waitMs
        compiler = receipt.master
      } else if (kind !== 'report') lightWaitsMs.push(waitMs)
      if (step.isContent && receipt.master !== previous?.master) isMixed = true
      if (kind === 'file' && receipt.master !== compiler) isMixed = true
      previous = receipt
    }
    return record()
  } catch (error) {
    return record((error as Error).message)
  } finally {
    void connection?.close()
  }
}

function thinkMsBefore({ kind }: Step, isAfterFirstFile: boolean): number {
  if (kind === 'catalog') return thinkMs.beforeCatalog
  return kind === 'file' && !isAfterFirstFile ? thinkMs.afterCatalog : thinkMs.between
}

function abortable<Result>(result: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>()
  const cut = () => reject(new Error('the measurement was over'))
  if (signal.aborted) cut()
  signal.addEventListener('abort', cut, { once: true })
  return Promise.race([result, promise]).finally(() => signal.removeEventListener('abort', cut))
}
