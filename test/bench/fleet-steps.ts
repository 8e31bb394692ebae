import { agentRequest } from './agent-requests.ts'
import { serviceHeader } from './fleet-messages.ts'

const environment = 'environment=production'
const FACTS_BYTES = 10_000
const REPORT_BYTES = 7_000

/** One request of a run. */
export interface Step {
  readonly kind: 'plugin' | 'catalog' | 'file' | 'report'
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly target: string
  /** What it has must come from where the step before it was answered: the content of a file after its metadata. */
  readonly isContent: boolean
}

/** The requests of a run in their order. */
export function stepsOf(certname: string): readonly Step[] {
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
    catalogStep(certname),
    ...files.flatMap(file => [
      get('file', `file_metadata/${file}`),
      get('file', `file_content/${file}`, true)
    ]),
    { ...get('report', `report/${certname}`), method: 'PUT' }
  ]
}

export function catalogStep(certname: string): Step {
  const target = `/puppet/v3/catalog/${certname}?${environment}`
  return { kind: 'catalog', method: 'POST', target, isContent: false }
}

/** What goes over the wire, with what the master is to take for it. */
export function bytesOf({ method, target }: Step, serviceMs: number): Buffer {
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
