import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Overview } from '../../model/overview.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { StreamPlaces } from '../streams.ts'
import { readAssets } from './assets.ts'
import { documentOf } from './document.js'
import { createLive } from './live.ts'
import { contentSecurityPolicy } from './policy.ts'

const compress = promisify(gzip)

export interface PageDeps {
  readonly overview: () => Overview
  readonly runtime: Pick<Runtime, 'schedule'>
  readonly places: StreamPlaces
  readonly refuse: (reply: FastifyReply, status: number, sentence: string) => FastifyReply
}

/** Reads the files of the page once; its routes are added to as many listeners as there are. */
export function createPage({ overview, runtime }: Pick<PageDeps, 'overview' | 'runtime'>) {
  const assets = readAssets()
  const policy = contentSecurityPolicy(assets)
  const live = createLive(() => JSON.stringify({ ...overview(), build: assets.build }), runtime)
  const security = {
    'content-security-policy': policy,
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin'
  }
  return (app: FastifyInstance, { places, refuse }: Pick<PageDeps, 'places' | 'refuse'>): void => {
    app.get('/', async (request, reply) => {
      reply.headers(security).type('text/html; charset=utf-8')
      const text = documentOf(overview(), assets)
      return takesGzip(request) ? packed(reply).send(await compress(text)) : reply.send(text)
    })
    for (const [path, { type, body, gzipped }] of assets.files) {
      app.get(`/page/${path}`, async (request, reply) => {
        reply.headers(security).type(type)
        return takesGzip(request) ? packed(reply).send(gzipped) : reply.send(body)
      })
    }
    app.get('/api/live', { exposeHeadRoute: false }, async (_request, reply) => {
      const stream = places.take(live.join)
      if (!stream) return refuse(reply, 503, 'Too many look at this already.')
      return reply.type('text/event-stream').send(stream)
    })
  }
}

export type AddPage = ReturnType<typeof createPage>

function takesGzip({ headers }: FastifyRequest): boolean {
  return /\bgzip\b(?!;q=0(?:\.0*)?(?:,|$))/.test(headers['accept-encoding'] ?? '')
}

function packed(reply: FastifyReply): FastifyReply {
  return reply.headers({ 'content-encoding': 'gzip', vary: 'accept-encoding' })
}
