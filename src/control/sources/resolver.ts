import { lookup, Resolver } from 'node:dns/promises'
import { closeSync, openSync } from 'node:fs'
import { isIP } from 'node:net'
import { isOwnFault } from '../../model/own-fault.ts'
import type { Answer, Question } from './question.ts'

/** A name server is asked again when it has not answered in this time, and given up after a second one. */
const SILENCE = { timeout: 2_000, tries: 2, maxTimeout: 2_000 } as const

/** What a name server says that has records of the name, though none of this kind. */
const NO_SUCH_RECORD = 'ENODATA'

/** What the system says of a name that does not exist, or has no address of the family that it was asked for. */
const NO_SUCH_NAME = 'ENOTFOUND'

/** Answers questions. An answer that is empty is a rejection, as an error of the system or of DNS is. */
export interface AskDns {
  /** `last`: the addresses it had, for a family of which nothing is heard now. */
  readonly ask: (question: Question, last: readonly string[]) => Promise<Answer>
  /** Gives up what has not been answered. */
  readonly cancel: () => void
}

/** Asks name servers, those of the system where none are named. */
type WithResolver = <Result>(
  servers: readonly string[],
  ask: (resolver: Resolver) => Promise<Result>
) => Promise<Result>

/** Asks real name servers: those of a question, else the system, in whatever way it finds names. */
export function createAskDns(): AskDns {
  const open = new Set<Resolver>()

  const withResolver: WithResolver = async (servers, ask) => {
    const resolver = new Resolver(SILENCE)
    if (servers.length > 0) resolver.setServers(servers)
    open.add(resolver)
    try {
      return await ask(resolver)
    } finally {
      open.delete(resolver)
    }
  }

  return {
    async ask({ kind, name, servers }, last) {
      if (kind === 'srv') {
        const records = await withResolver(servers, resolver => resolver.resolveSrv(name))
        return { records: orEmpty(records, name) }
      }
      const addresses =
        servers.length > 0
          ? await withResolver(servers, resolver => bothFamilies(resolver, name, last))
          : await bySystem(name, last, withResolver)
      return { addresses: orEmpty([...new Set(addresses)], name) }
    },
    cancel() {
      for (const resolver of open) resolver.cancel()
    }
  }
}

function orEmpty<Item>(items: readonly Item[], name: string): readonly Item[] {
  if (items.length > 0) return items
  throw Object.assign(new Error(`the answer for ${name} is empty`), { code: NO_SUCH_RECORD })
}

/** The addresses of both families. One that fails while the other answers is as it was. */
async function bothFamilies(
  resolver: Resolver,
  name: string,
  last: readonly string[]
): Promise<readonly string[]> {
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
  const failures = answers.flatMap(answer => (answer.status === 'rejected' ? [answer.reason] : []))
  if (failures.length === answers.length)
    throw failures.find(({ code }) => code !== NO_SUCH_RECORD) ?? failures[0]
  return answers.flatMap((answer, index) => {
    if (answer.status === 'fulfilled') return answer.value
    if (answer.reason.code === NO_SUCH_RECORD) return []
    return last.filter(ofFamily(index === 0 ? 4 : 6))
  })
}

/** What the system says of a name. A family of which nothing was heard beside the other one is as it was. */
async function bySystem(
  name: string,
  last: readonly string[],
  withResolver: WithResolver
): Promise<readonly string[]> {
  const found = await lookUp(name, 0)
  const missing = families.filter(family => last.some(ofFamily(family)) && !found.some(ofFamily(family)))
  for (const family of missing) found.push(...(await ofOneFamily(name, family, last, withResolver)))
  return found
}

/**
 * The addresses of a family of which the system says nothing, having one of the other family. DNS itself is asked first, which
 * takes no thread. Where that knows no such name, it was found by a search domain, or outside DNS, and the system is asked.
 */
async function ofOneFamily(
  name: string,
  family: 4 | 6,
  last: readonly string[],
  withResolver: WithResolver
): Promise<readonly string[]> {
  try {
    return await withResolver([], resolver =>
      family === 4 ? resolver.resolve4(name) : resolver.resolve6(name)
    )
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === NO_SUCH_RECORD) return []
    if (code !== NO_SUCH_NAME) return last.filter(ofFamily(family))
  }
  return lookUp(name, family).catch(({ code }: NodeJS.ErrnoException) =>
    code === NO_SUCH_NAME ? [] : last.filter(ofFamily(family))
  )
}

const families = [4, 6] as const
const ofFamily = (family: (typeof families)[number]) => (address: string) => isIP(address) === family

/** `family`: 0 for both. */
async function lookUp(name: string, family: 0 | 4 | 6): Promise<string[]> {
  try {
    const found = await lookup(name, { all: true, order: 'verbatim', family })
    return found.map(({ address }) => address)
  } catch (error) {
    throw unmasked(error as Error)
  }
}

/**
 * Without a descriptor for the files it reads, glibc's getaddrinfo says that there is no such name. Whether that is so
 * shows when one is asked for: then the error is that of the system.
 */
function unmasked(error: Error): Error {
  if ((error as NodeJS.ErrnoException).code !== NO_SUCH_NAME) return error
  try {
    closeSync(openSync('/dev/null', 'r'))
    return error
  } catch (cause) {
    return isOwnFault(cause) ? (cause as Error) : error
  }
}
