import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { systemRuntime } from '../model/runtime.ts'
import { type Answer, compressed, send, text } from './answer.ts'
import { type Caller, type CallerReader, createHeaderReader, readPeer } from './caller.ts'
import type { Gate } from './gate.ts'
import type { JrubyPool } from './jruby-pool.ts'
import type { SimulatedMasterOptions } from './master-options.ts'
import { type MasterServices, type Route, routeOf } from './master-routes.ts'
import type { Overload } from './overload.ts'
import { pause } from './pause.ts'
import { type ReceivedBody, receiveBody } from './received-body.ts'
import type { RecordInProgress, RequestLog } from './request-log.ts'
import { puppetServerVersion } from './status-service.ts'

/** What a request meets on its way through a simulated master. */
export interface PipelineParts {
  readonly options: SimulatedMasterOptions
  readonly services: MasterServices
  /** The interpreters of the process that runs now. */
  readonly pool: () => JrubyPool
  readonly gate: Gate
  readonly log: RequestLog
  readonly overload: Overload
}

/**
 * A request through a simulated master, in Puppet Server's order: route, identity, authorization, queue limit,
 * body, JRuby, answer. What has a JRuby keeps it until its work is done, whether or not the sender still waits.
 */
export function createPipeline(parts: PipelineParts): RequestListener {
  const { options, log } = parts
  const { trustsHeaders = true, version = puppetServerVersion } = options
  const readCaller = trustsHeaders ? createHeaderReader() : readPeer
  const stamp = { 'X-Puppet-Version': version, 'X-Puppet-Compiler-Name': options.name }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answer = await answerTo(request, log.record(request, response), { ...parts, readCaller })
    const stamped = { ...answer, headers: { ...stamp, ...answer.headers } }
    send(response, compressed(stamped, request.headers['accept-encoding']))
  }

  return (request, response) => {
    handle(request, response).catch((error: Error) => {
      // The sender hung up while its body was read; anything else is a mistake here and must be seen.
      if (request.destroyed && !request.complete) return
      send(response, text(500, `the simulated master failed: ${error.stack}`))
    })
  }
}

async function answerTo(
  request: IncomingMessage,
  record: RecordInProgress,
  parts: PipelineParts & { readonly readCaller: CallerReader }
): Promise<Answer> {
  const { services, overload, readCaller, options } = parts
  const { method = '', url = '', headers } = request
  if (options.denies?.some(path => url.startsWith(path)))
    return text(403, `Forbidden request: ${url} (method :${method.toLowerCase()}) denied by auth.conf.`)
  const route = routeOf({ method, url, headers }, services)
  if ('status' in route) return route

  const caller = readCaller(request)
  if ('problem' in caller) return text(400, caller.problem)
  record.identified(caller)
  if (!isAllowed(route, caller)) return forbidden(method, route, caller)

  const turnedAway = route.work !== 'none' && overload.refusalFor(headers)
  if (turnedAway) return turnedAway
  const body = await receiveBody(request)
  record.received(body)
  return route.work === 'none' ? route.serve(route.call(caller, body)) : inJruby(route, caller, body, parts)
}

/** The rules of Puppet Server's `auth.conf`. */
function isAllowed({ access, key }: Route, { authenticated, certname, extensions }: Caller): boolean {
  if (access === 'anyone') return true
  if (access === 'operator') return authenticated && extensions.pp_cli_auth === 'true'
  return authenticated && (access === 'authenticated' || certname === key)
}

function forbidden(method: string, { path }: Route, { certname = '', authenticated }: Caller): Answer {
  const who = `${certname} access to ${path} (method :${method.toLowerCase()})`
  return text(403, `Forbidden request: ${who} (authenticated: ${authenticated}) denied by auth.conf.`)
}

async function inJruby(
  route: Route,
  caller: Caller,
  body: ReceivedBody,
  { options, pool, gate }: PipelineParts
): Promise<Answer> {
  const call = route.call(caller, body)
  const giveBack = await pool().borrow({ uri: route.path, method: call.method, routeId: route.id })
  try {
    if (route.work === 'compile') await gate.pass()
    const draw = route.work === 'compile' ? options.compileMs : options.lightMs
    await pause(draw?.(systemRuntime.random) ?? 0, systemRuntime)
    return await route.serve(call)
  } finally {
    giveBack()
  }
}
