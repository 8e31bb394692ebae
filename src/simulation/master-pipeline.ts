import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Runtime } from '../model/runtime.ts'
import { type Answer, compressed, send, text } from './answer.ts'
import { refusalOf } from './authorization.ts'
import { type Caller, type CallerReader, createHeaderReader, createPeerReader } from './caller.ts'
import type { Dice } from './dice.ts'
import { type Failures, fail } from './failures.ts'
import type { Gate } from './gate.ts'
import type { Duration, SimulatedMasterOptions } from './master-options.ts'
import { type MasterServices, type Route, routeOf } from './master-routes.ts'
import { defaultVersion, type MasterState } from './master-services.ts'
import type { Overload } from './queue-limit.ts'
import { type ReceivedBody, receiveBody } from './received-body.ts'
import type { RecordInProgress, RequestLog } from './request-log.ts'

/** What a request meets on its way through a simulated master. */
export interface PipelineParts {
  readonly options: SimulatedMasterOptions
  readonly services: MasterServices
  readonly state: MasterState
  readonly gate: Gate
  readonly failures: Failures
  readonly log: RequestLog
  readonly overload: Overload
  readonly runtime: Runtime
  readonly dice: Dice
  /** Tears a connection by a TCP reset. */
  readonly reset: (socket: Socket) => void
}

/**
 * A request through a simulated master, in Puppet Server's order: route, identity, authorization, queue limit,
 * body, JRuby, answer. What has a JRuby keeps it until its work is done, whether or not the sender still waits.
 */
export function createPipeline(parts: PipelineParts): RequestListener {
  const { options, log, failures } = parts
  const readCaller = options.trustPeer ? createPeerReader() : createHeaderReader()
  const stamp = {
    'X-Puppet-Version': options.version ?? defaultVersion,
    'X-Puppet-Compiler-Name': options.name
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const record = log.record(request, response)
    const failure = failures.take(record.entry)
    if (failure !== undefined) return fail(request, response, failure, parts.reset)
    const answer = await answerTo(request, record, { ...parts, readCaller })
    const stamped = { ...answer, headers: { ...stamp, ...answer.headers } }
    return send(response, options.gzip ? compressed(stamped, request.headers['accept-encoding']) : stamped)
  }

  return (request, response) => {
    handle(request, response).catch((error: Error) => {
      // The sender hung up while its body was read; anything else is a mistake here and must be seen.
      if (request.destroyed && !request.complete) return
      void send(response, text(500, `the simulated master failed: ${error.stack}`))
    })
  }
}

async function answerTo(
  request: IncomingMessage,
  record: RecordInProgress,
  parts: PipelineParts & { readonly readCaller: CallerReader }
): Promise<Answer> {
  const { options, services, state, overload, readCaller } = parts
  const { method = '', url = '', headers } = request
  const route = routeOf({ method, url, headers }, services)
  if ('status' in route) return route

  const caller = readCaller(request)
  if ('problem' in caller) return text(400, caller.problem)
  record.identified(caller)
  const { access, key, path } = route
  const refusal = refusalOf({ access, caller, key, method, path, admins: options.admins })
  if (refusal !== undefined) return refusal

  const turnedAway = route.work !== 'none' && overload.refusalFor(headers, state.pool.waiting().length)
  if (turnedAway) return turnedAway
  const body = await receiveBody(request)
  record.received(body)
  return route.work === 'none' ? route.serve(route.call(caller, body)) : inJruby(route, caller, body, parts)
}

async function inJruby(
  route: Route,
  caller: Caller,
  body: ReceivedBody,
  parts: PipelineParts
): Promise<Answer> {
  const { options, state, gate } = parts
  const call = route.call(caller, body)
  const giveBack = await state.pool.borrow({ uri: route.path, method: call.method, routeId: route.id })
  try {
    if (route.work === 'compile') await gate.pass()
    await passing(route.work === 'compile' ? options.compileMs : options.lightMs, parts)
    return await route.serve(call)
  } finally {
    giveBack()
  }
}

function passing(duration: Duration = 0, { runtime, dice }: PipelineParts): Promise<void> {
  const ms = typeof duration === 'number' ? duration : duration(dice)
  if (ms <= 0) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  runtime.schedule(ms, resolve)
  return promise
}
