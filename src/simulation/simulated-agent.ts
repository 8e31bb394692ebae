import { gte } from 'semver'
import { type Runtime, systemRuntime } from '../model/runtime.ts'
import {
  type AgentAnswer,
  type AgentConnectionOptions,
  type AgentQuestion,
  type AgentRequestResult,
  createAgentClient
} from './agent-client.ts'
import { catalogForm, reportDocument, transactionUuid } from './agent-documents.ts'
import {
  type AgentDisk,
  documentIn,
  type FetchPolicy,
  type FileMetadata,
  sha256Of,
  syncFile,
  type WantedFile
} from './agent-files.ts'
import { documentType } from './agent-headers.ts'
import { isLegacy, puppetPath } from './agent-paths.ts'
import { AgentRequestError } from './agent-request-error.ts'
import { pause } from './pause.ts'

/** One run of `puppet agent`. */
export interface AgentRunOptions extends Omit<AgentConnectionOptions, 'runtime'> {
  readonly certname: string
  /** Default `production`. */
  readonly environment?: string
  /** How many files its catalog shall have (the fact `demo_files`). Default: as the master likes. */
  readonly files?: number
  /** What it downloads. Default `changed`. */
  readonly fetch?: FetchPolicy
  /** Ask for a static catalog: then files need no metadata requests. Default false. */
  readonly staticCatalog?: boolean
  /** Give the same one to every run of an agent. Default: an empty one, as at the first run. */
  readonly disk?: AgentDisk
  /** Length of the facts before escaping. Default 10 KB; about twice that goes over the wire. */
  readonly factsBytes?: number
  /** Length of the report. Default 7 KB. */
  readonly reportBytes?: number
  /** How long facter takes, between pluginsync and catalog. Default 0. */
  readonly factsMs?: number
  /** How long applying takes, between the files and the report. Default 0. */
  readonly applyMs?: number
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
  /** How many files it wrote. */
  readonly changes: number
  readonly catalog: AgentCatalog | undefined
}

/** A catalog, as far as an agent of this demo looks. */
export interface AgentCatalog {
  readonly name: string
  readonly code_id: string
  readonly environment: string
  readonly resources: readonly {
    readonly type: string
    readonly title: string
    readonly parameters: Readonly<Record<string, unknown>>
  }[]
  readonly metadata?: Readonly<Record<string, FileMetadata>>
}

/** What the steps of a run share. */
interface Run {
  readonly options: AgentRunOptions & { readonly version: string; readonly runtime: Runtime }
  readonly path: (indirection: string, key: string, parameters?: Readonly<Record<string, string>>) => string
  /** Asks, and rejects unless the answer is one an agent goes on with. */
  readonly ask: (question: AgentQuestion) => Promise<AgentAnswer>
  readonly sync: (file: WantedFile) => Promise<void>
  readonly uuid: string
}

/**
 * A whole run: node, environment probe, pluginsync, catalog, files, report, in the order and spelling of the
 * agent's version. Never rejects for what the server does.
 */
export async function runAgent(given: AgentRunOptions): Promise<AgentRun> {
  const { version = '8.10.0', runtime = systemRuntime, environment = 'production' } = given
  const options = { ...given, version, runtime, environment }
  const { fetch = 'changed', disk = new Map() } = given
  const client = createAgentClient(options)
  let changes = 0
  let catalog: AgentCatalog | undefined
  let failure: AgentRequestError | undefined

  const ask = async (question: AgentQuestion) => checked(question, await client.ask(question))
  const run: Run = {
    options,
    ask,
    path: (indirection, key, parameters = {}) =>
      puppetPath(version, indirection, key, { environment, ...parameters }),
    sync: async file => {
      if (await syncFile(file, { disk, fetch, ask })) changes++
    },
    uuid: transactionUuid(runtime)
  }

  try {
    await prepare(run)
    await pause(options.factsMs ?? 0, runtime, options.signal)
    catalog = await compile(run)
    await applyFiles(run, catalog)
    await pause(options.applyMs ?? 0, runtime, options.signal)
    await report(run, changes)
  } catch (error) {
    failure = failureFrom(error, options.signal)
  } finally {
    client.close()
  }
  const exitStatus = failure ? 1 : changes > 0 ? 2 : 0
  return {
    exitStatus,
    requests: client.results,
    failure,
    connections: client.connections(),
    changes,
    catalog
  }
}

/** Node, environment probe and pluginsync; agents before 3.0 do none of it. */
async function prepare({ options, path, ask, sync, uuid }: Run): Promise<void> {
  const { version, certname } = options
  if (!gte(version, '3.0.0')) return
  await ask({ method: 'GET', path: path('node', certname, { transaction_uuid: uuid }) })
  if (gte(version, '6.25.0')) {
    await ask({
      method: 'GET',
      path: path('file_metadatas', 'plugins', { recurse: 'false', links: 'manage' })
    })
  }
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

async function compile({ options, path, ask, uuid }: Run): Promise<AgentCatalog> {
  const { version, certname, environment = 'production', files } = options
  const body = catalogForm({
    certname,
    environment,
    transactionUuid: uuid,
    facts: files === undefined ? {} : { demo_files: files },
    factsBytes: options.factsBytes ?? 10_000,
    format: gte(version, '5.0.0') ? 'application/json' : 'pson',
    staticCatalog: options.staticCatalog ?? false
  })
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  return documentIn(await ask({ method: 'POST', path: path('catalog', certname), headers, body }))
}

async function applyFiles({ options, path, ask, sync }: Run, catalog: AgentCatalog): Promise<void> {
  for (const { type, title, parameters } of catalog.resources) {
    const { source } = parameters
    if (type !== 'File' || typeof source !== 'string') continue
    const key = source.replace('puppet:///', '')
    const inlined = options.staticCatalog ? catalog.metadata?.[title] : undefined
    if (inlined && !isLegacy(options.version)) {
      const content = path('static_file_content', key, { code_id: catalog.code_id })
      await sync({ key, sha256: sha256Of(inlined), path: content })
      continue
    }
    const answer = await ask({ method: 'GET', path: path('file_metadata', key, { checksum_type: 'sha256' }) })
    await sync({ key, sha256: sha256Of(documentIn(answer)), path: path('file_content', key) })
  }
}

async function report({ options, path, ask, uuid }: Run, changes: number): Promise<void> {
  const { certname, environment = 'production', version, reportBytes = 7000 } = options
  const status = changes > 0 ? 'changed' : 'unchanged'
  const body = reportDocument({ certname, environment, transactionUuid: uuid, status }, reportBytes)
  const headers = { 'Content-Type': documentType(version) }
  await ask({ method: 'PUT', path: path('report', certname), headers, body })
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
