import { isDeepStrictEqual } from 'node:util'
import { type Answer, keyOf, type Question } from '../../src/control/sources/question.ts'
import type { AskDns } from '../../src/control/sources/resolver.ts'
import type { SrvRecord } from '../../src/control/sources/srv.ts'
import type { Runtime } from '../../src/model/runtime.ts'

/** Ways in which DNS brings nothing: silence, an error, an answer without a record. */
export const moods = ['silent', 'failing', 'empty'] as const
export type Mood = (typeof moods)[number]

/** DNS, which says what it is told to. */
export interface Names extends Pick<AskDns, 'ask'> {
  readonly addresses: Map<string, readonly string[]>
  readonly records: Map<string, readonly SrvRecord[]>
  /** Of names that bring nothing now; `*` for all of them. */
  readonly moods: Map<string, Mood>
  /** Good answers until now that said something else than the one before to the same question. */
  readonly news: () => number
}

export function createNames({ schedule }: Pick<Runtime, 'schedule'>, dice: () => number): Names {
  const last = new Map<string, Answer>()
  let news = 0

  function answerTo({ kind, name }: Question): Answer {
    const mood = names.moods.get('*') ?? names.moods.get(name)
    if (mood === 'silent') throw coded('ETIMEOUT')
    if (mood === 'failing') throw coded('ESERVFAIL')
    const found = kind === 'srv' ? names.records.get(name) : names.addresses.get(name)
    if (mood === 'empty' || !found || found.length === 0) throw coded('ENODATA')
    return (kind === 'srv' ? { records: found } : { addresses: found }) as Answer
  }

  const names: Names = {
    addresses: new Map(),
    records: new Map(),
    moods: new Map(),
    news: () => news,
    ask(question) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>()
      const mood = names.moods.get('*') ?? names.moods.get(question.name)
      schedule(mood === 'silent' ? 4_000 : 1 + 200 * dice(), () => {
        try {
          const answer = answerTo(question)
          if (!isDeepStrictEqual(last.get(keyOf(question)), answer)) news++
          last.set(keyOf(question), answer)
          resolve(answer)
        } catch (error) {
          reject(error)
        }
      })
      return promise
    }
  }
  return names
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code })
}
