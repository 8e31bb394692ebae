import { type Runtime, systemRuntime } from '../model/runtime.ts'
import {
  type AgentAnswer,
  type AgentConnectionOptions,
  type AgentQuestion,
  type AgentRequestResult,
  createAgentClient
} from './agent-client.ts'
import { catalogForm, type RunIdentity, reportDocument, transactionUuid } from './agent-documents.ts'
import {
  type AgentDisk,
  documentIn,
  type FileMetadata,
  sha256Of,
  syncFile,
  type WantedFile
} from './agent-files.ts'
import { AgentRequestError } from './agent-request-error.ts'

/** One run of `puppet agent` 8. */
export interface AgentRunOptions extends Omit<AgentConnectionOptions, 'runtime'> {
  readonly certname: string
  /** How many files its catalog shall have (the fact `demo_files`). Default: as the master likes. */
  readonly files?: number
  /** Give the same one to every run of an agent. Default: an empty one, as at the first run. */
  readonly disk?: AgentDisk
  /** Default: the system's. */
  readonly runtime?: Runtime
}

/** How a run went. */
export interface AgentRun {
  /** 0: nothing changed. 2: files changed. 1: a request failed, and the run ended there. */
  readonly exitStatus: 0 | 1 | 2
  /** Every request that was answered, in order. */
  readonly requests: readonly AgentRequestResult[]
  /** What went wrong, with exit status 1. */
  readonly failure: AgentRequestError | undefined
  /** How many connections it opened. */
  readonly connections: number
}

const environment = 'production'

/** What the steps of a run share. */
interface Run {
  readonly id: RunIdentity
  /** Asks, and rejects unless the answer is one an agent goes on with. */
  readonly ask: (question: AgentQuestion) => Promise<AgentAnswer>
  readonly sync: (file: WantedFile) => Promise<void>
}

/** A whole run: node, environment probe, pluginsync, catalog, files, report. Never rejects for what the server does. */
export async function runAgent(options: AgentRunOptions): Promise<AgentRun> {
  const { certname, disk = new Map(), runtime = systemRuntime, signal } = options
  const client = createAgentClient({ ...options, runtime })
  let hasChanges = false
  let failure: AgentRequestError | undefined

  const ask = async (question: AgentQuestion) => checked(question, await client.ask(question))
  const run: Run = {
    id: { certname, environment, transactionUuid: transactionUuid(runtime) },
    ask,
    sync: async file => {
      if (await syncFile(file, disk, ask)) hasChanges = true
    }
  }

  try {
    await prepare(run)
    await apply(run, options.files === undefined ? {} : { demo_files: options.files })
    await report(run, hasChanges ? 'changed' : 'unchanged')
  } catch (error) {
    failure = failureFrom(error, signal)
  } finally {
    client.close()
  }
  const exitStatus = failure ? 1 : hasChanges ? 2 : 0
  return { exitStatus, requests: client.results, failure, connections: client.connections() }
}

/** Node, environment probe and pluginsync. */
async function prepare({ id, ask, sync }: Run): Promise<void> {
  await ask({ method: 'GET', path: path('node', id.certname, { transaction_uuid: id.transactionUuid }) })
  const probe = { recurse: 'false', links: 'manage' }
  await ask({ method: 'GET', path: path('file_metadatas', 'plugins', probe) })
  for (const mount of ['pluginfacts', 'plugins']) {
    const listing = { recurse: 'true', links: 'manage', checksum_type: 'sha256' }
    const answer = await ask({ method: 'GET', path: path('file_metadatas', mount, listing) })
    for (const metadata of documentIn<readonly FileMetadata[]>(answer)) {
      if (metadata.type !== 'file') continue
      const key = `${mount}/${metadata.relative_path}`
      await sync({ key, sha256: sha256Of(metadata), path: path('file_content', key) })
    }
  }
}

/** A catalog, as far as a simulated agent looks. */
interface AgentCatalog {
  readonly resources: readonly {
    readonly type: string
    readonly parameters: Readonly<Record<string, unknown>>
  }[]
}

/** Catalog, then metadata and, where it differs, content of each of its files. */
async function apply({ id, ask, sync }: Run, facts: Readonly<Record<string, unknown>>): Promise<void> {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const body = catalogForm(id, facts)
  const answer = await ask({ method: 'POST', path: path('catalog', id.certname), headers, body })
  for (const { type, parameters } of documentIn<AgentCatalog>(answer).resources) {
    const { source } = parameters
    if (type !== 'File' || typeof source !== 'string') continue
    const key = source.replace('puppet:///', '')
    const metadata = await ask({
      method: 'GET',
      path: path('file_metadata', key, { checksum_type: 'sha256' })
    })
    await sync({ key, sha256: sha256Of(documentIn(metadata)), path: path('file_content', key) })
  }
}

async function report({ id, ask }: Run, status: string): Promise<void> {
  const headers = { 'Content-Type': 'application/json' }
  await ask({ method: 'PUT', path: path('report', id.certname), headers, body: reportDocument(id, status) })
}

/** The URL of an indirection's document. */
function path(indirection: string, key: string, parameters: Readonly<Record<string, string>> = {}): string {
  const escaped = key.split('/').map(encodeURIComponent).join('/')
  return `/puppet/v3/${indirection}/${escaped}?${new URLSearchParams({ environment, ...parameters })}`
}

function checked(question: AgentQuestion, answer: AgentAnswer): AgentAnswer {
  const { status, headers, text } = answer
  if (status < 200 || status > 299) throw new AgentRequestError(question, status, text.slice(0, 1000))
  if (headers['content-type'] === undefined) {
    throw new AgentRequestError(question, status, 'No content type in http response; cannot parse')
  }
  return answer
}

function failureFrom(error: unknown, signal: AbortSignal | undefined): AgentRequestError {
  if (error instanceof AgentRequestError) return error
  if (!signal?.aborted) throw error
  return new AgentRequestError({ method: '', path: '' }, undefined, 'the agent was stopped', { cause: error })
}
