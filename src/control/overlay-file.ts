import { constants } from 'node:fs'
import { access, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { EventLog } from '../model/event.ts'
import { maxWeight } from '../model/settings.ts'
import { makeDirectory } from './make-directory.ts'
import { noOverlay, type Overlay, type Override } from './overlay.ts'
import { replaceFile } from './replace-file.ts'

/** In the state directory. */
const FILE = 'overlay.json'
/** Put behind the name of a file that was not understood. */
const DAMAGED = '.damaged'
/** Of the form of the file; one of another version is not understood. */
const VERSION = 1

/** Where what operators said of masters is kept over a restart. */
export interface OverlayFile {
  /** What was kept; nothing when there is no file, or when it is damaged, which is told. Never rejects. */
  readonly read: (directory: string | undefined) => Promise<Overlay>
  /** Keeps an overlay, unless it is there already. Never rejects. */
  readonly keep: (directory: string | undefined, overlay: Overlay) => Promise<void>
  /** Why what is in force is not kept, one sentence; `undefined` while it is, and without a directory. */
  readonly problem: () => string | undefined
}

export function createOverlayFile({
  log,
  events
}: {
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
}): OverlayFile {
  let kept: { readonly directory: string | undefined; readonly overlay: Overlay } | undefined
  let problem: string | undefined
  /** One is written after the other, so that the last word is the one that is kept. */
  let last: Promise<void> = Promise.resolve()

  function tell(sentence: string): void {
    log.warn(sentence)
    events.add({ kind: 'state', text: sentence })
  }

  /** Nothing where there is no file; `undefined` when it is damaged. */
  async function readFrom(file: string): Promise<Overlay | undefined> {
    try {
      return parseOverlay(await readFile(file, 'utf8'))
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return noOverlay
      tell(`${file} is ignored, and nothing that operators said of masters is known: ${causeOf(error)}`)
      // For whoever can mend it: in its place comes what operators say next. The system's own errors have a code.
      if (!('code' in (error as object))) await rename(file, `${file}${DAMAGED}`).catch(() => {})
      return undefined
    }
  }

  function fail(directory: string, error: unknown): void {
    const next =
      `what operators said of masters cannot be kept in ${directory} (${codeOf(error)}), ` +
      'so it is forgotten at the next restart'
    if (next !== problem) tell(next)
    problem = next
  }

  async function write(directory: string | undefined, overlay: Overlay): Promise<void> {
    if (directory === undefined) {
      problem = undefined
      return
    }
    if (kept?.overlay === overlay && kept.directory === directory && problem === undefined) return
    try {
      await makeDirectory(directory)
      await replaceFile(join(directory, FILE), formatOverlay(overlay))
      kept = { directory, overlay }
      problem = undefined
    } catch (error) {
      fail(directory, error)
    }
  }

  return {
    async read(directory) {
      if (directory === undefined) return noOverlay
      try {
        await makeDirectory(directory)
        await access(directory, constants.W_OK | constants.X_OK)
      } catch (error) {
        fail(directory, error)
      }
      const overlay = await readFrom(join(directory, FILE))
      kept = overlay && { directory, overlay }
      return overlay ?? noOverlay
    },
    keep(directory, overlay) {
      last = last.then(() => write(directory, overlay))
      return last
    },
    problem: () => problem
  }
}

/** As it is written. */
export function formatOverlay(overlay: Overlay): string {
  return `${JSON.stringify({ version: VERSION, masters: Object.fromEntries(overlay) }, undefined, 2)}\n`
}

/** What a file says. Throws an Error that tells what is wrong with it; half of it is not taken. */
export function parseOverlay(text: string): Overlay {
  const data: unknown = JSON.parse(text)
  if (!isRecord(data) || data.version !== VERSION || !isRecord(data.masters))
    throw new Error(`it is no overlay of version ${VERSION}`)
  return new Map(Object.entries(data.masters).map(([name, said]) => [name, overrideOf(name, said)]))
}

function overrideOf(name: string, said: unknown): Override {
  if (!isRecord(said) || Object.keys(said).length === 0) throw wrong(name)
  const { mode, weight, ...rest } = said
  if (Object.keys(rest).length > 0) throw wrong(name)
  if (mode !== undefined && mode !== 'draining' && mode !== 'maint' && mode !== 'active') throw wrong(name)
  if (weight !== undefined && weight !== 'default' && !isWeight(weight)) throw wrong(name)
  return Object.freeze({ ...(mode !== undefined && { mode }), ...(weight !== undefined && { weight }) })
}

function isWeight(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= maxWeight
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(name: string): Error {
  return new Error(`what it says of ${JSON.stringify(name.slice(0, 100))} is neither a mode nor a weight`)
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ?? message
}

/** A parser's words may quote the file. */
function causeOf(error: unknown): string {
  return error instanceof SyntaxError ? 'it is no JSON' : codeOf(error)
}
