import type { CodeSighting } from '../../model/code.ts'
import type { Master } from '../../model/master.ts'
import { type CatalogHead, createCatalogHeadReader } from '../../puppet/catalog-head.ts'
import { codeVersionOf, environmentNamed, namesOf } from '../../puppet/code-version.ts'
import { environmentOf } from '../../puppet/environment.ts'
import type { AnswerHeaders, AttemptListener } from './attempt.ts'
import type { Exchange } from './exchange.ts'
import { type HeadOfBody, headOfBody } from './head-of-body.ts'

/** Of a master and an environment, one catalog is looked at in this time. */
export const LOOK_MS = 10_000
/** The same where the request does not name its environment in its line, and so may be for any. */
const LOOK_UNNAMED_MS = 1_000
/** A version that stays is told again after this time. */
export const TELL_MS = 60_000
/** Of masters and environments; beyond that all is looked at anew. */
const REMEMBERED = 4_096

/** The listener of an attempt at a master, beside which the head of a catalog is read. */
export type Sighted = (listener: AttemptListener, exchange: Exchange, master: Master) => AttemptListener

export interface CodeSightingsDeps {
  readonly now: () => number
  readonly tell: (sighting: CodeSighting) => void
  /** Told of a defect of the reading; the catalog goes on. */
  readonly onDefect: (error: unknown) => void
}

/**
 * Sees in catalogs that pass which code each master serves for each environment, and tells when that is another one, or is
 * still the same after a while. Only now and then a catalog is looked at, and of that its head.
 */
export function createCodeSightings({ now, tell, onDefect }: CodeSightingsDeps): Sighted {
  const looked = createTimes()
  const told = createTimes<string | null>()

  function isDue(master: Master, environment: string | undefined): boolean {
    const key = `${master.id} ${environment ?? ''}`
    const everyMs = environment === undefined ? LOOK_UNNAMED_MS : LOOK_MS
    const last = looked.get(key)
    if (last && now() - last.atMs < everyMs) return false
    looked.set(key, { atMs: now(), of: undefined })
    return true
  }

  function see(sighting: CodeSighting): void {
    const key = `${sighting.masterId} ${sighting.environment}`
    const last = told.get(key)
    if (last && last.of === sighting.version && now() - last.atMs < TELL_MS) return
    told.set(key, { atMs: now(), of: sighting.version })
    tell(sighting)
  }

  /** What goes wrong here is no matter of the catalog's. */
  function guard<Result>(work: () => Result, otherwise: Result): Result {
    try {
      return work()
    } catch (error) {
      onDefect(error)
      return otherwise
    }
  }

  function read(
    exchange: Exchange,
    master: Master,
    headers: AnswerHeaders,
    askedAtMs: number
  ): HeadOfBody | undefined {
    const asked = environmentOf(exchange.request.url as string)
    if (!isDue(master, asked)) return undefined
    const reader = createCatalogHeadReader()
    const look = (bytes: Uint8Array) => {
      if (!reader.push(bytes)) return false
      const head = reader.head()
      const environment = environmentNamed(head?.environment ?? asked)
      if (head && environment !== undefined)
        see({ masterId: master.id, environment, version: versionOf(head, master, headers), askedAtMs })
      return true
    }
    return headOfBody(headers['content-encoding'], bytes => guard(() => look(bytes), true))
  }

  return (listener, exchange, master) => {
    if (exchange.class !== 'catalog') return listener
    const askedAtMs = now()
    let body: HeadOfBody | undefined
    return {
      ...listener,
      head(status, message, headers) {
        const goesOn = listener.head(status, message, headers)
        if (goesOn && status === 200)
          body = guard(() => read(exchange, master, headers, askedAtMs), undefined)
        return goesOn
      },
      data(chunk, controller) {
        listener.data(chunk, controller)
        body?.push(chunk)
      },
      complete() {
        listener.complete()
        body?.end()
      },
      ended(ending) {
        listener.ended(ending)
        body?.end()
      }
    }
  }
}

function versionOf(head: CatalogHead, { name, url }: Master, headers: AnswerHeaders): string | null {
  const { 'x-puppet-compiler-name': compiler } = headers
  const host = url.slice(url.indexOf('//') + 2).replace(/:\d+$/, '')
  return codeVersionOf(head, namesOf(name, host, typeof compiler === 'string' ? compiler : undefined)) ?? null
}

interface Time<Of> {
  readonly atMs: number
  readonly of: Of | undefined
}

/** When something was last done for a key; knows `REMEMBERED` of them. */
function createTimes<Of = never>() {
  const times = new Map<string, Time<Of>>()
  return {
    get: (key: string) => times.get(key),
    set(key: string, time: Time<Of>) {
      if (times.size >= REMEMBERED && !times.has(key)) times.clear()
      times.set(key, time)
    }
  }
}
