import { lookup, Resolver } from 'node:dns/promises'
import { closeSync, openSync } from 'node:fs'
import { isIP } from 'node:net'
import { isOwnFault } from '../../model/own-fault.ts'
import type { Answer, Question } from './question.ts'

/** A name server is asked again when it has not answered in this time, and given up after a second one. */
const SILENCE = { timeout: 2_000, tries: 2, maxTimeout: 2_000 } as const

/** What a name server says that has records of the name, though none of this kind. */
const NO_SUCH_RECORD = 'ENODATA'

/** Answers questions. An answer that is empty is a rejection, as an error of the system or of DNS is. */
export interface AskDns {
  /** `last`: the addresses it had, for a family of which nothing is heard now. */
  readonly ask: (question: Question, last: readonly string[]) => Promise<Answer>
  /** Gives up what has not been answered. */
  readonly cancel: () => void
}

/** Asks real name servers: those of a question, else the system, in whatever way it finds names. */
export function createAskDns(): AskDns {
  const open = new Set<Resolver>()

  async function withResolver<Result>(
    servers: readonly string[],
    ask: (resolver: Resolver) => Promise<Result>
  ): Promise<Result> {
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
          : await bySystem(name)
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
    return last.filter(address => isIP(address) === (index === 0 ? 4 : 6))
  })
}

async function bySystem(name: string): Promise<readonly string[]> {
  try {
    const found = await lookup(name, { all: true, order: 'verbatim' })
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
  if ((error as NodeJS.ErrnoException).code !== 'ENOTFOUND') return error
  try {
    closeSync(openSync('/dev/null', 'r'))
    return error
  } catch (cause) {
    return isOwnFault(cause) ? (cause as Error) : error
  }
}
