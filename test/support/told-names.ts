import type { Question } from '../../src/control/sources/question.ts'
import type { AskDns } from '../../src/control/sources/resolver.ts'

/** What a name is answered with: addresses, or the code of an error. */
export type Told = readonly string[] | string

/** Names as a test tells them; whatever it says nothing of is not found. */
export interface ToldNames extends AskDns {
  readonly tell: (name: string, told: Told) => void
  /** Every question so far. */
  readonly asked: readonly Question[]
  /** Resolves when a name has been asked for so many times more. */
  readonly askedAgain: (name: string, times?: number) => Promise<void>
}

export function toldNames(first: Readonly<Record<string, Told>>): ToldNames {
  const names = new Map(Object.entries(first))
  const asked: Question[] = []
  const waiting = new Set<() => void>()
  return {
    asked,
    tell: (name, told) => void names.set(name, told),
    async askedAgain(name, times = 1) {
      const count = () => asked.filter(question => question.name === name).length
      const wanted = count() + times
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = () => {
        if (count() >= wanted) resolve()
      }
      waiting.add(look)
      await promise
      waiting.delete(look)
    },
    async ask(question) {
      asked.push(question)
      for (const look of waiting) look()
      const told = names.get(question.name) ?? 'ENOTFOUND'
      if (typeof told === 'string') throw Object.assign(new Error(`getaddrinfo ${told}`), { code: told })
      return { addresses: told }
    },
    cancel() {}
  }
}
