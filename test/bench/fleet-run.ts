import { setTimeout as wait } from 'node:timers/promises'
import type { SecureContext } from 'node:tls'
import { openConnection } from './agent-connection.ts'
import { agentRequest } from './agent-requests.ts'
import { type Receipt, type RunRecord, serviceHeader } from './fleet-messages.ts'
import { type PlannedRun, pluginRequests, thinkMs } from './fleet-plan.ts'

const environment = 'environment=production'
const FACTS_BYTES = 10_000
const REPORT_BYTES = 7_000

export interface FleetAgent {
  readonly certname: string
  readonly context: SecureContext
}

interface Step {
  readonly kind: 'plugin' | 'catalog' | 'file' | 'report'
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly target: string
  /** What it has must come from where the step before it was answered: the content of a file after its metadata. */
  readonly isContent: boolean
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
  let previous: Receipt | undefined
  let compiler: string | undefined
  let connection: Awaited<ReturnType<typeof openConnection>> | undefined
  let kind: Step['kind'] | 'connect' = 'connect'
  const record = (lost?: string): RunRecord => ({
    durationMs: performance.now() - sinceMs,
    catalogWaitMs,
    lightWaitsMs,
    isMixed,
    serviceMs: jrubyMs,
    ...(lost !== undefined && (kind === 'report' ? { lostReport: lost } : { failure: `${kind}: ${lost}` }))
  })
  try {
    connection = await openConnection(port, agent.context)
    for (const [index, step] of stepsOf(agent.certname).entries()) {
      await wait(thinkMsBefore(step, previous !== undefined && index > pluginRequests + 1) / compression)
      kind = step.kind
      const askedMs = performance.now()
      const answer = await abortable(connection.ask(bytesOf(step, serviceMs[index] as number)), signal)
      if (answer.status !== 200) return record(`status ${answer.status}`)
      const receipt = JSON.parse(answer.body.toString('latin1')) as Receipt
      if (!receipt.isVerified) return record('the master was not told who asks')
      jrubyMs += receipt.serviceMs
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

function stepsOf(certname: string): readonly Step[] {
  const get = (kind: Step['kind'], target: string, isContent = false): Step => ({
    kind,
    method: 'GET',
    target: `/puppet/v3/${target}?${environment}`,
    isContent
  })
  const files = Array.from({ length: 10 }, (_, index) => `modules/app/file-${index}`)
  return [
    get('plugin', 'file_metadatas/pluginfacts'),
    get('plugin', 'file_metadatas/plugins'),
    get('plugin', 'file_content/plugins/facter/demo.rb', true),
    { ...get('catalog', `catalog/${certname}`), method: 'POST' },
    ...files.flatMap(file => [
      get('file', `file_metadata/${file}`),
      get('file', `file_content/${file}`, true)
    ]),
    { ...get('report', `report/${certname}`), method: 'PUT' }
  ]
}

function bytesOf({ method, target }: Step, serviceMs: number): Buffer {
  const service = `${serviceHeader}: ${serviceMs.toFixed(3)}`
  if (method === 'GET') return agentRequest(method, target, [service])
  const length = method === 'POST' ? FACTS_BYTES : REPORT_BYTES
  const head = agentRequest(method, target, [
    service,
    'Content-Type: application/json',
    `Content-Length: ${length}`
  ])
  return Buffer.concat([head, Buffer.alloc(length, 'f')])
}

function abortable<Result>(result: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>()
  const cut = () => reject(new Error('the measurement was over'))
  if (signal.aborted) cut()
  signal.addEventListener('abort', cut, { once: true })
  return Promise.race([result, promise]).finally(() => signal.removeEventListener('abort', cut))
}
