import type { Runtime } from '../../model/runtime.ts'
import { CrlError } from '../../pki/crl-error.ts'
import { stampOf } from './file-stamp.ts'
import type { Holding } from './holding.ts'
import type { InForce, Order, Reading } from './in-force.ts'
import type { RevocationNotices } from './notices.ts'
import type { ListReader } from './reader.ts'
import { createRounds, type Rounds } from './rounds.ts'

/** A file that cannot be read for want of something of our own is tried again after this time, if that is sooner. */
const OWN_FAULT_AGAIN_MS = 1_000

/** A file of lists, which is read again every `refreshMs`. */
export interface FileSource extends Pick<Rounds, 'wait' | 'stop'> {
  /** The file that an order names as it is now, read anew only if it is not the one that is known. Rejects with a CrlError. */
  readonly read: (order: Order, known: Reading | undefined) => Promise<Reading>
}

export function createFileSource({
  runtime,
  holding,
  notices,
  readFile
}: {
  readonly runtime: Runtime
  readonly holding: Holding
  readonly notices: RevocationNotices
  readonly readFile: ListReader
}): FileSource {
  /** The file that was refused last, as it was touched then, and beside which lists. */
  let refused: { readonly beside: InForce; readonly stamp: string } | undefined
  const rounds = createRounds(round, runtime)

  async function round(): Promise<number | undefined> {
    const from = holding.current()
    if (from?.order.file === undefined) return undefined
    const atMostMs = await readAgain(from, from.order.file)
    holding.tellLate()
    const { file, refreshMs } = holding.current()?.order ?? {}
    return file === undefined || refreshMs === undefined ? undefined : Math.min(refreshMs, atMostMs)
  }

  /** How long to wait at most for the next time. */
  async function readAgain(from: InForce, file: string): Promise<number> {
    // What was adopted or stopped meanwhile has the last word.
    const isCurrent = () => from.order === holding.current()?.order
    const stamp = await stampOf(file, runtime.wallClock())
    if (refused?.beside === from && refused.stamp === stamp) return Number.POSITIVE_INFINITY
    try {
      const reading = await readStamped(file, from.order, { known: from.known.file, stamp })
      const asked = holding.current()
      if (asked && isCurrent()) holding.take('file', reading, { asked, source: file })
    } catch (error) {
      const refusal = refusalOf(error)
      if (isCurrent()) notices.refused(file, refusal)
      refused = stamp !== undefined && isLasting(refusal) ? { beside: from, stamp } : undefined
      if (refusal.problems.every(({ isOwnFault }) => isOwnFault)) return OWN_FAULT_AGAIN_MS
    }
    return Number.POSITIVE_INFINITY
  }

  async function readStamped(
    file: string,
    { caBundle }: Order,
    { known, stamp }: { readonly known: Reading | undefined; readonly stamp: string | undefined }
  ): Promise<Reading> {
    const nowMs = runtime.wallClock()
    if (known && stamp !== undefined && stamp === known.stamp) return known
    const next = await readFile({ file, caBundle, nowMs, knownDigest: known?.digest })
    return next ? { ...holding.reading(next, file), stamp } : { ...(known as Reading), stamp }
  }

  return {
    async read(order, known) {
      const { file = '' } = order
      return readStamped(file, order, { known, stamp: await stampOf(file, runtime.wallClock()) })
    },
    wait: rounds.wait,
    stop: rounds.stop
  }
}

/** Whatever else goes wrong is a file that cannot be read. */
export function refusalOf(error: unknown): CrlError {
  if (error instanceof CrlError) return error
  return new CrlError([{ reason: 'unreadable', text: `cannot be read, ${(error as Error).message}` }])
}

/** Whether the same bytes will be refused again: time mends a list from the future, and a reader may fail by itself. */
function isLasting({ problems }: CrlError): boolean {
  return problems.every(({ reason }) => reason !== 'future' && reason !== 'unreadable')
}
