import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { AgentList, AgentQuery } from '../model/agents.ts'
import type { AskedName } from '../model/asked-name.ts'
import type { Flush } from '../model/code.ts'
import { maxEventStreams } from '../model/descriptors.ts'
import type { EventLog } from '../model/event.ts'
import type { Explanation } from '../model/explanation.ts'
import type { Operate } from '../model/operation.ts'
import type { Overview } from '../model/overview.ts'
import { type Runtime, systemRuntime } from '../model/runtime.ts'
import type { AdminBoot } from '../model/settings.ts'
import type { MasterStatus, ReloadReport, StatusReport } from '../model/status.ts'
import { addAgents } from './agents.ts'
import type { Guard } from './auth.ts'
import { addFlush } from './deployed.ts'
import { streamEvents } from './events.ts'
import { noteMethods } from './methods.ts'
import { addOperations, maxNameLength } from './operations.ts'
import type { AddPage } from './page/routes.ts'
import { createStreamPlaces, type StreamPlaces } from './streams.ts'

/** What the admin listener shows and sets off. */
export interface AdminDeps {
  readonly admin: AdminBoot
  /** The machine's name: the listener may be addressed by it. */
  readonly hostname: string
  /** Prometheus text format. */
  readonly metrics: () => Promise<string>
  /** What is remembered of a request, by its id. */
  readonly why: (requestId: string) => Promise<Explanation | undefined>
  /** Names of handshakes that no certificate has. */
  readonly names: () => Promise<readonly AskedName[]>
  /** What is known of agents. */
  readonly agents: (query: AgentQuery) => Promise<AgentList>
  /** Why the balancer is not ready, one sentence; `undefined` while it is. */
  readonly notReady: () => string | undefined
  readonly status: () => StatusReport
  readonly masters: () => readonly MasterStatus[]
  readonly reload: () => Promise<ReloadReport>
  readonly operate: Operate
  readonly flush: Flush
  /** Every key of the configuration in force with its value, secrets left out. */
  readonly settings: () => Readonly<Record<string, string>>
  readonly events: EventLog
  /** What the status page shows. */
  readonly overview: () => Overview
  /** For the heartbeat of event streams, and for how often the page is drawn anew. */
  readonly runtime?: Pick<Runtime, 'schedule'>
}

const TEXT = 'text/plain; charset=utf-8'
const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8'
/** A caller that takes longer to send its request is let go. */
const REQUEST_TIMEOUT_MS = 30_000

/** Headers of every answer. */
const always = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
const paths =
  'There is / for a browser, /metrics, /healthz, /readyz, /api/status, /api/masters, /api/why/REQUEST-ID, /api/events, /api/settings, ' +
  '/api/names, /api/agents, POST /api/environments/deployed, POST /api/environments/NAME/deployed, ' +
  'POST /api/reload and POST /api/masters/NAME/drain, undrain, maint and weight.\n'
const forgotten =
  'No worker remembers a request with this id: each keeps its last few thousand, until it ends.\n'

/** The operators' routes. Without a guard everybody who can connect may do everything. */
export function createApi(deps: AdminDeps, addPage: AddPage, guard?: Guard): FastifyInstance {
  const app = Fastify({
    logger: false,
    forceCloseConnections: true,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: maxNameLength },
    // No hook has run by then.
    frameworkErrors: (error, _request, reply) =>
      void say(reply.headers(always), error.statusCode ?? 500, error.message)
  })
  app.addHook('onRequest', async (_request, reply) => void reply.headers(always))
  if (guard) addGuard(app, guard)
  app.setErrorHandler(async (error: Error & { readonly statusCode?: number }, _request, reply) =>
    say(reply, error.statusCode ?? 500, error.message)
  )
  const methods = noteMethods(app)
  app.setNotFoundHandler(async (request, reply) => {
    const allowed = methods.of(request.url.split('?', 1)[0] ?? '').join(', ')
    if (allowed === '') return reply.type(TEXT).code(404).send(paths)
    return say(reply.header('allow', allowed), 405, `This path takes ${allowed} only.`)
  })
  // Whatever a caller says of its body: few routes read one, and who sends one by habit is not to be turned away.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  addProbes(app, deps)
  addReads(app, deps)
  addAgents(app, deps.agents, say)
  const places = createStreamPlaces(maxEventStreams)
  addEvents(app, deps, places)
  addPage(app, { places, refuse: say })
  app.post('/api/reload', async (_request, reply) => {
    const report = await deps.reload()
    return reply.code(report.ok ? 200 : 422).send(report)
  })
  const manner = { asker: guard ? overTcp : () => 'over the Unix socket', refuse: say }
  addOperations(app, deps.operate, manner)
  addFlush(app, deps.flush, manner)
  return app
}

function overTcp({ ip }: FastifyRequest): string {
  return `over TCP, from ${ip}`
}

function addGuard(app: FastifyInstance, guard: Guard): void {
  app.addHook('onRequest', async (request, reply) => {
    const { authorization, 'x-puppet-lb': mark, 'sec-fetch-dest': destination } = request.headers
    const refusal = guard({
      method: request.method,
      target: request.raw.url ?? '',
      host: request.headers.host,
      mark: typeof mark === 'string' ? mark : undefined,
      authorization
    })
    if (!refusal) return
    // A script in a browser asks for the token itself; the challenge would have the browser ask as well.
    if (refusal.status === 401 && destination !== 'empty')
      reply.header('www-authenticate', 'Basic realm="puppet-lb", charset="UTF-8"')
    reply.header('x-puppet-lb-reason', refusal.code)
    return say(reply, refusal.status, refusal.sentence)
  })
}

function addProbes(app: FastifyInstance, deps: AdminDeps): void {
  app.get('/metrics', async (_request, reply) => reply.type(PROMETHEUS).send(await deps.metrics()))
  app.get('/healthz', async (_request, reply) => say(reply, 200, 'ok'))
  app.get('/readyz', async (_request, reply) => {
    const reason = deps.notReady()
    return say(reply, reason === undefined ? 200 : 503, reason ?? 'ready')
  })
}

function addReads(app: FastifyInstance, deps: AdminDeps): void {
  app.get('/api/status', async () => deps.status())
  app.get('/api/masters', async () => deps.masters())
  app.get('/api/names', async () => deps.names())
  app.get('/api/settings', async () => deps.settings())
  app.get<{ Params: { readonly id: string } }>('/api/why/:id', async (request, reply) => {
    const explanation = await deps.why(request.params.id)
    return explanation ?? reply.type(TEXT).code(404).send(forgotten)
  })
}

function addEvents(
  app: FastifyInstance,
  { events, runtime = systemRuntime }: AdminDeps,
  places: StreamPlaces
): void {
  app.get('/api/events', { exposeHeadRoute: false }, async (request, reply) => {
    const last = request.headers['last-event-id']
    const stream = places.take(() =>
      streamEvents(events, typeof last === 'string' ? last : undefined, runtime)
    )
    if (!stream) return say(reply, 503, 'Too many read the events already.')
    return reply.type('text/event-stream').send(stream)
  })
}

function say(reply: FastifyReply, status: number, sentence: string): FastifyReply {
  return reply.type(TEXT).code(status).send(`${sentence}\n`)
}
