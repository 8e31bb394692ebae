import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { ListMark } from '../../pki/succession.ts'
import { replaceFile } from '../replace-file.ts'

/** Of the form of the file; one of another version is not understood. */
const VERSION = 1

/**
 * How new the lists were that a file gave, over a restart: an older file would let in again whom they revoked. The lists
 * themselves are not kept, the file has them. Nothing here rejects: what cannot be done is told once, and done without.
 */
export interface SeenLists {
  /** What was kept; nothing where there is no directory, no file or a damaged one. */
  readonly read: (directory: string | undefined) => Promise<readonly ListMark[]>
  /** From now on these are the lists to go by. */
  readonly keep: (directory: string | undefined, lists: readonly ListMark[]) => void
  /** Resolves when all that was to be kept is written, or could not be. */
  readonly settled: () => Promise<void>
}

/** Where they are kept in a directory. */
export function seenFile(directory: string): string {
  return join(directory, 'revocation-numbers.json')
}

export function createSeenLists(log: Pick<Logger, 'warn'>): SeenLists {
  /** What is in which file, as far as this process knows. */
  let there: { readonly file: string; readonly text: string } | undefined
  let told: string | undefined
  /** One is written after the other, so that the newest is the one that stays. */
  let last: Promise<void> = Promise.resolve()

  function tell(file: string, error: unknown, what: string): void {
    const cause = causeOf(error)
    if (told === `${what} ${cause}`) return
    told = `${what} ${cause}`
    log.warn({ file, cause }, what)
  }

  async function write(directory: string, text: string): Promise<void> {
    const file = seenFile(directory)
    if (there?.file === file && there.text === text) return
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await replaceFile(file, text)
      there = { file, text }
      told = undefined
    } catch (error) {
      tell(
        file,
        error,
        'the number of a revocation list cannot be kept: after a restart an older one is taken'
      )
    }
  }

  return {
    async read(directory) {
      if (directory === undefined) return []
      const file = seenFile(directory)
      try {
        return parseMarks(await readFile(file, 'utf8'))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
          tell(file, error, 'the numbers of revocation lists are ignored: an older list is taken')
        return []
      }
    },
    keep(directory, lists) {
      if (directory === undefined || lists.length === 0) return
      const text = formatMarks(lists)
      last = last.then(() => write(directory, text))
    },
    settled: () => last
  }
}

/** As it is written. */
export function formatMarks(lists: readonly ListMark[]): string {
  const marks = lists.map(({ authority, issuer, entries, number, thisUpdateMs, digest }) => {
    return { authority, issuer, entries, number: number?.toString() ?? null, thisUpdateMs, digest }
  })
  return `${JSON.stringify({ version: VERSION, lists: marks }, undefined, 2)}\n`
}

/** What a file says. Throws an Error that tells what is wrong with it; half of it is not taken. */
export function parseMarks(text: string): readonly ListMark[] {
  const data = JSON.parse(text) as { readonly version?: unknown; readonly lists?: unknown } | null
  if (data?.version !== VERSION || !Array.isArray(data.lists))
    throw new Error(`it is not of version ${VERSION}`)
  return data.lists.map(markOf)
}

function markOf(said: Readonly<Record<keyof ListMark, unknown>> | null): ListMark {
  const { authority, issuer, entries, number, thisUpdateMs, digest } = said ?? ({} as ListMark)
  if (
    typeof authority !== 'string' ||
    typeof issuer !== 'string' ||
    typeof digest !== 'string' ||
    !Number.isSafeInteger(entries) ||
    !Number.isSafeInteger(thisUpdateMs) ||
    !(number === null || (typeof number === 'string' && /^-?\d{1,200}$/.test(number)))
  )
    throw new Error('what it says of a list is damaged')
  return {
    ...{ authority, issuer, digest },
    entries: entries as number,
    thisUpdateMs: thisUpdateMs as number,
    number: number === null ? undefined : BigInt(number)
  }
}

/** A parser's words may quote the file. */
function causeOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'it is no JSON'
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}
