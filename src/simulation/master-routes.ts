import type { IncomingHttpHeaders } from 'node:http'
import { type Answer, json, text } from './answer.ts'
import { type CaService, caAccess, caMethods } from './ca-service.ts'
import type { Caller } from './caller.ts'
import type { MasterCall, Service } from './master-call.ts'
import { targetOf } from './master-paths.ts'
import type { ReceivedBody } from './received-body.ts'
import type { StatusService } from './status-service.ts'

/** The head of a request, which decides where it goes. */
export interface RequestHead {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** Where a request goes. */
export interface Route extends Service {
  /** Name by which the timers of the JRuby pool know it. */
  readonly id: string
  readonly path: string
  readonly key: string
  /** Puts the call together once identity and body are known. */
  readonly call: (caller: Caller, body: ReceivedBody) => MasterCall
}

/** The services of one master; `ca` only where it is the CA. */
export interface MasterServices {
  readonly puppet: Readonly<Record<string, Service>>
  readonly status: StatusService
  readonly environments: Service
  readonly ca: CaService | undefined
}

const finding = ['GET', 'POST']
const methods: Readonly<Record<string, readonly string[]>> = {
  node: finding,
  catalog: finding,
  file_metadata: finding,
  file_metadatas: finding,
  file_content: finding,
  static_file_content: ['GET'],
  file_bucket_file: ['GET', 'HEAD', 'PUT'],
  report: ['PUT'],
  facts: ['PUT']
}

/** Of the CA: what needs no name. */
const keyless: ReadonlySet<string> = new Set(['certificate_renewal', 'expirations'])

const notFound = text(404, 'Not Found: no such endpoint')
const done: Answer = { status: 204, headers: {}, body: '' }

/** Finds the route of a request, or the answer to one that has none. */
export function routeOf(head: RequestHead, services: MasterServices): Route | Answer {
  const [rawPath = '', query = ''] = split(head.url)
  const parameters = new URLSearchParams(query)
  const target = targetOf(rawPath)
  const make = (service: Service, id: string, key: string, environment: string | undefined): Route => ({
    ...service,
    id,
    key,
    path: rawPath,
    call: (caller, body) => {
      for (const [name, value] of formOf(head.headers, body)) parameters.append(name, value)
      return {
        method: head.method,
        key,
        environment: environment ?? parameters.get('environment') ?? '',
        parameters,
        caller,
        contentType: head.headers['content-type']?.replace(/;.*/s, ''),
        body: body.content
      }
    }
  })

  switch (target.api) {
    case 'unsafe':
      return text(400, 'Bad Request: the path cannot be normalized')
    case 'none':
      return notFound
    case 'status':
      return services.status(target.path, parameters) ?? notFound
    case 'admin': {
      const known = target.resource === 'environment-cache' || target.resource === 'jruby-pool'
      if (!known || head.method !== 'DELETE') return notFound
      return make(
        { access: 'authenticated', work: 'none', serve: () => done },
        `puppet-admin-api-${target.resource}`,
        '',
        ''
      )
    }
    case 'ca': {
      const { resource, key } = target
      const { ca } = services
      const isKeyMissing = key === '' && !keyless.has(resource)
      if (ca === undefined || !caMethods[resource]?.includes(head.method) || isKeyMissing) return notFound
      return make(
        {
          access: caAccess[resource] ?? 'anyone',
          work: 'none',
          serve: call => ca(resource, call)
        },
        `puppet-ca-${resource}`,
        key,
        ''
      )
    }
    case 'puppet': {
      if (target.indirection === 'environments' && target.key === '' && head.method === 'GET')
        return make(services.environments, 'puppet-v3-environments', '', '')
      const { indirection, key, environment } = target
      const service = services.puppet[indirection]
      if (service === undefined || !methods[indirection]?.includes(head.method) || key === '') return notFound
      const isComplete = environment !== undefined || parameters.has('environment')
      // A JRuby looks for it, and so after the rules.
      const served = isComplete ? service : { ...service, serve: () => noEnvironment }
      return make(served, `puppet-v3-${indirection}`, key, environment)
    }
  }
}

const noEnvironment = json(400, {
  message: 'Bad Request: An environment parameter must be specified',
  issue_kind: 'MISSING_ENVIRONMENT'
})

function split(url: string): readonly string[] {
  const mark = url.indexOf('?')
  return mark < 0 ? [url] : [url.slice(0, mark), url.slice(mark + 1)]
}

function formOf(headers: IncomingHttpHeaders, { content }: ReceivedBody): URLSearchParams {
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded')
  return new URLSearchParams(isForm ? content?.toString() : '')
}
