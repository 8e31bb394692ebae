import type { Answer, Question } from '../../src/control/sources/question.ts'
import type { AskDns } from '../../src/control/sources/resolver.ts'

/** What a name is answered with: addresses, or the code of an error. `silent`: nothing, until the resolver gives up. */
export type Told = readonly string[] | string

/** Names as a test tells them; whatever it says nothing of is not found. */
export interface ToldNames extends AskDns {
  readonly tell: (name: string, told: Told) => void
  /** Every question so far. */
  readonly asked: readonly Question[]
  /** Resolves when a name has been asked for so many times more. */
  readonly askedAgain: (name: string, times?: number) => Promise<void>
  /** How many questions at most were open at the same time. */
  readonly mostOpen: () => number
}

/** When a resolver gives a silent name up: real ones take longer. */
const SILENCE_MS = 150

export function toldNames(first: Readonly<Record<string, Told>>): ToldNames {
  const names = new Map(Object.entries(first))
  const asked: Question[] = []
  const waiting = new Set<() => void>()
  let open = 0
  let mostOpen = 0

  async function answer(name: string): Promise<Answer> {
    const told = names.get(name) ?? 'ENOTFOUND'
    if (typeof told !== 'string') return { addresses: told }
    if (told === 'silent') await new Promise(resolve => setTimeout(resolve, SILENCE_MS))
    const code = told === 'silent' ? 'EAI_AGAIN' : told
    throw Object.assign(new Error(`getaddrinfo ${code}`), { code })
  }

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
    mostOpen: () => mostOpen,
    async ask(question) {
      asked.push(question)
      for (const look of waiting) look()
      mostOpen = Math.max(mostOpen, ++open)
      try {
        return await answer(question.name)
      } finally {
        open--
      }
    },
    cancel() {}
  }
}
