import { type Stats, unwatchFile, watchFile } from 'node:fs'
import type { Runtime } from '../model/runtime.ts'

/** How often files are looked at. Asking works where no file system tells: network mounts, symlinks swapped above it. */
const LOOK_MS = 1_000
/** Several files that change together are taken together, and one that is being written is let come to its end. */
const SETTLE_MS = 300

/** Watches files by what the system says of them, through symlinks: where they point decides, not the link. */
export interface FileWatch {
  /** Watches these files and no others from now on; one that is not there yet is waited for. */
  readonly set: (files: readonly string[]) => void
  readonly stop: () => void
}

/** `changed` is called some time after the last of several changes. `lookMs`: how often files are looked at. */
export function createFileWatch(
  changed: () => void,
  { schedule }: Pick<Runtime, 'schedule'>,
  { lookMs = LOOK_MS, settleMs = SETTLE_MS }: { readonly lookMs?: number; readonly settleMs?: number } = {}
): FileWatch {
  const watched = new Set<string>()
  let stopped = false
  let cancel = () => {}

  function onChange(now: Stats, before: Stats): void {
    // The system tells of a file that is not there although it never was.
    if (now.nlink === 0 && before.nlink === 0) return
    cancel()
    cancel = schedule(settleMs, changed)
  }

  function set(files: readonly string[]): void {
    for (const file of watched) {
      if (files.includes(file)) continue
      unwatchFile(file, onChange)
      watched.delete(file)
    }
    for (const file of files) {
      if (watched.has(file)) continue
      watchFile(file, { interval: lookMs, persistent: false }, onChange)
      watched.add(file)
    }
  }

  return {
    set(files) {
      if (!stopped) set(files)
    },
    stop() {
      stopped = true
      cancel()
      set([])
    }
  }
}
