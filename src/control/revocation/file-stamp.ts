import { stat } from 'node:fs/promises'

/** A file that changed this shortly before it was read may change again and look the same. */
const SETTLED_MS = 2_000

/** Tells one state of a file from another, without reading it; `undefined` when it cannot tell. */
export async function stampOf(file: string, nowMs: number): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
    const isSettled = Number(ctimeNs / 1_000_000n) < nowMs - SETTLED_MS
    return isSettled ? [dev, ino, size, mtimeNs, ctimeNs].join(':') : undefined
  } catch {
    // Whoever opens it says what is wrong.
    return undefined
  }
}
