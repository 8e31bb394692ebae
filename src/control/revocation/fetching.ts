import type { ListFile } from '../../config/revocation-lists.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { UpstreamSettings } from '../../model/settings.ts'
import { askForLists, type ListAuthority, type Validators } from './ca-question.ts'
import { dropPending, keepPending, pendingFile } from './kept-lists.ts'
import type { ListStream, OpenListStream } from './reader.ts'

/** A file at the CA may be changed and look no newer, as one that was copied with its date: it is read in any case so often. */
const WHOLE_AGAIN_MS = 3_600_000

/** What to fetch, and for whom. */
export interface FetchTask {
  readonly ca: ListAuthority
  readonly upstream: UpstreamSettings
  /** PEM: whose lists the CA may give. */
  readonly caBundle: string
  /** SHA-256 of what it gave last, as far as that is still known. */
  readonly knownDigest: string | undefined
  /** Where it is kept; `undefined`: it is not. */
  readonly directory: string | undefined
}

/** What the CA gave. */
export interface Fetched {
  /** `undefined`: what is known. */
  readonly lists: ListFile | undefined
  /** They are in force: they are kept. Resolves with an error code of the system when that cannot be done. */
  readonly accept: () => Promise<string | undefined>
  /** They are not taken. */
  readonly refuse: () => Promise<void>
}

/** Fetches revocation lists; a CA that still has those it gave is not asked for them again. */
export interface ListFetching {
  /** Rejects with a NoLists when the CA gives none, and with a CrlError when they cannot be used. */
  readonly fetch: (task: FetchTask) => Promise<Fetched>
}

/** Lists that were taken, and by what to ask whether the CA has others. */
interface Taken {
  readonly url: string
  readonly digest: string
  readonly validators: Validators
  readonly atMs: number
  /** Where they are kept. */
  readonly directory: string | undefined
}

export function createListFetching({
  runtime,
  openStream
}: {
  readonly runtime: Runtime
  readonly openStream: OpenListStream
}): ListFetching {
  let taken: Taken | undefined

  /** What need not come again: it is in force, and kept where it is to be. */
  function knownOf({ ca, knownDigest, directory }: FetchTask): Taken | undefined {
    const isKnown = taken?.digest === knownDigest && taken?.directory === directory && taken?.url === ca.url
    return isKnown ? taken : undefined
  }

  return {
    async fetch(task) {
      const { ca, upstream, caBundle, directory } = task
      const known = knownOf(task)
      const isFresh = known && runtime.now() - known.atMs < WHOLE_AGAIN_MS
      let stream: ListStream | undefined
      const opened = () => {
        stream ??= openStream({
          caBundle,
          nowMs: runtime.wallClock(),
          knownDigest: known?.digest,
          keepAs: directory === undefined ? undefined : pendingFile(directory)
        })
        return stream
      }
      try {
        const validators = await askForLists(ca, {
          upstream,
          runtime,
          validators: isFresh ? known.validators : undefined,
          onBytes: bytes => opened().write(bytes)
        })
        if (!validators) return unchanged
        const lists = await opened().end()
        const take = (digest: string) => {
          taken = { url: ca.url, digest, validators, atMs: runtime.now(), directory }
        }
        if (!lists) {
          if (known) take(known.digest)
          return unchanged
        }
        return {
          lists,
          async accept() {
            const fault =
              directory === undefined ? undefined : (lists.keepFault ?? (await keepPending(directory)))
            if (fault === undefined) take(lists.digest)
            return fault
          },
          async refuse() {
            if (directory !== undefined) await dropPending(directory)
          }
        }
      } catch (error) {
        stream?.cancel()
        throw error
      }
    }
  }
}

const unchanged: Fetched = Object.freeze({
  lists: undefined,
  accept: async () => undefined,
  refuse: async () => {}
})
