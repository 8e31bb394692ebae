import type { IncomingMessage } from 'node:http'
import type { Eligibility, PoolInForce } from '../../balance/eligibility.ts'
import { type Goal, goalOf, inBody, toDefault } from '../../balance/routes.ts'
import { environmentInForm, environmentOf, FORM_BYTES } from '../../puppet/environment.ts'
import type { Identity } from '../accept/identity.ts'
import type { Generation } from '../generation.ts'
import { hasBody, type RequestBody } from './body.ts'
import type { Exchange } from './exchange.ts'
import type { MasterPlan } from './plan.ts'

/** Whose masters a request wants. */
export interface Destination {
  /** False while that depends on what its body says. */
  readonly isKnown: () => boolean
  /** Its body is in hand: from now on it is known. */
  readonly read: (body: RequestBody) => void
  readonly goal: () => Goal
  /** The pool that serves it now. */
  readonly pool: () => PoolInForce
}

export interface DestinationDeps {
  readonly eligibility: () => Eligibility
  /** The settings that requests begin with now. */
  readonly generation: () => Generation
}

/**
 * Where a request goes by the routes it began with. Should a reload take its pool away before it is served, those in
 * force then decide.
 */
export function destinationOf(
  exchange: Exchange,
  identity: Identity,
  plan: Pick<MasterPlan, 'class' | 'rank'>,
  { eligibility, generation }: DestinationDeps
): Destination {
  const { request } = exchange
  /** The environment in its body: read, or not yet. */
  let form: { readonly environment: string | undefined } | undefined
  let chosen = decide(exchange.generation)

  function environment(): string | undefined | typeof inBody {
    const named = environmentOf(request.url as string)
    if (named !== undefined || plan.rank === undefined || !isForm(request)) return named
    return form ? form.environment : inBody
  }

  function decide({ rulesFor, settings }: Generation): Goal | undefined {
    if (!rulesFor) return toDefault
    const goal = goalOf(rulesFor(identity, request.socket), plan.class, environment)
    exchange.record.goal = goal
    exchange.record.route = goal && settings.routes[goal.route]
    return goal
  }

  function goal(): Goal {
    if (chosen && !eligibility().isPool(chosen.pool)) chosen = decide(generation())
    return chosen ?? toDefault
  }

  return {
    isKnown: () => chosen !== undefined,
    read(body) {
      const { bytes, isWhole } = body.head(FORM_BYTES)
      form = { environment: environmentInForm(bytes.toString('latin1'), isWhole) }
      chosen = decide(exchange.generation)
    },
    goal,
    pool: () => eligibility().poolFor(goal())
  }
}

/** Its own header, since nobody behind the listener is to judge bodies by theirs. */
function isForm(request: IncomingMessage): boolean {
  if (request.method !== 'POST' || !hasBody(request)) return false
  const { rawHeaders } = request
  const at = rawHeaders.findIndex((each, index) => index % 2 === 0 && /^content-type$/i.test(each))
  return at >= 0 && /^application\/x-www-form-urlencoded\b/i.test(rawHeaders[at + 1] as string)
}
