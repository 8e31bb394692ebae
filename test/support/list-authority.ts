import type { IncomingMessage, ServerResponse } from 'node:http'
import { expirationsPath, listsPath } from '../../src/control/revocation/ca-question.ts'
import type { TestPki } from './balancer.ts'
import { type ScriptedMaster, startScriptedMaster } from './scripted-master.ts'

type Answer = (response: ServerResponse, request: IncomingMessage) => void

/** A CA that gives its revocation lists as the test says, and answers everything else with `from the CA`. */
export interface ListAuthority extends Pick<ScriptedMaster, 'url' | 'port' | 'seen' | 'until' | 'kill'> {
  /** From now on it gives this list, as Puppet Server does: 304 when it is no newer than If-Modified-Since. */
  readonly give: (list: string) => void
  /** From now on it says that its full lists end then, by common name. */
  readonly endFullLists: (ends: Readonly<Record<string, Date>>) => void
  /** From now on it answers so. */
  readonly answer: (answer: Answer) => void
  /** Headers of the questions for its lists so far. */
  readonly questions: () => readonly IncomingMessage['headers'][]
  /** Resolves once it was asked so many times more. */
  readonly asked: (times?: number) => Promise<void>
}

export async function startListAuthority(
  t: Parameters<typeof startScriptedMaster>[0],
  pki: TestPki,
  options: { readonly port?: number } = {}
): Promise<ListAuthority> {
  const questions: IncomingMessage['headers'][] = []
  let ends: Readonly<Record<string, Date>> | undefined
  let answer: Answer = response => response.writeHead(503).end()
  const master = await startScriptedMaster(
    t,
    (request, response) => {
      if (request.url === expirationsPath && ends) {
        const crls = Object.entries(ends).map(([name, end]) => [
          name,
          end.toISOString().replace(/\.\d+Z$/, 'UTC')
        ])
        response.end(JSON.stringify({ crls: Object.fromEntries(crls) }))
        return
      }
      if (request.url !== listsPath) {
        response.end('from the CA')
        return
      }
      questions.push(request.headers)
      answer(response, request)
    },
    { ...options, tls: pki.server }
  )
  return {
    ...master,
    give(list) {
      const changedMs = Date.now()
      answer = (response, { headers }) => {
        const sinceMs = Date.parse(headers['if-modified-since'] ?? '')
        if (changedMs > sinceMs || Number.isNaN(sinceMs)) response.end(list)
        else response.writeHead(304).end()
      }
    },
    endFullLists(next) {
      ends = next
    },
    answer(next) {
      answer = next
    },
    questions: () => questions,
    async asked(times = 1) {
      const wanted = questions.length + times
      await master.until(() => questions.length >= wanted)
    }
  }
}

/** Settings of a balancer that asks the CA, several times a second. */
export function fetchedLists({ directory, file }: { directory?: string; file?: string } = {}) {
  return { file, fetch: true, directory, refreshMs: 200, expired: 'keep', place: 'test.yaml:3:9' } as const
}
