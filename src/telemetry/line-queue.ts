import type { Runtime } from '../model/runtime.ts'

/** Lines that had to be dropped. */
export interface LostLines {
  readonly lines: number
  /** When the first of them was dropped, in milliseconds since 1970. */
  readonly sinceMs: number
}

/** Lines that wait to be written. It never grows beyond its limit: what comes then is dropped whole, and counted. */
export interface LineQueue {
  /** Takes in one or more whole lines, each with its line feed. False: there was no room, and they are lost. */
  readonly add: (text: string) => boolean
  /** Gives up the oldest lines: as many whole texts as fit into `maxLength` characters, and at least one. */
  readonly take: (maxLength: number) => string
  /** Characters that wait. */
  readonly length: () => number
  /** Counts lines that were dropped elsewhere as if they had been dropped here; `sinceMs` is now if not said. */
  readonly lose: (lines: number, sinceMs?: number) => void
  /** What was lost since the last call; `undefined` when nothing was. */
  readonly takeLost: () => LostLines | undefined
  /** All lines ever lost. */
  readonly totalLost: () => number
}

/** `maxLength` is in characters, of one or two bytes each in memory. */
export function createLineQueue(maxLength: number, wallClock: Runtime['wallClock']): LineQueue {
  let waiting: string[] = []
  let length = 0
  let lost: LostLines | undefined
  let totalLost = 0

  function lose(lines: number, sinceMs = wallClock()): void {
    lost = lost ? { lines: lost.lines + lines, sinceMs: Math.min(lost.sinceMs, sinceMs) } : { lines, sinceMs }
    totalLost += lines
  }

  return {
    add(text) {
      const hasRoom = length + text.length <= maxLength
      if (hasRoom) {
        waiting.push(text)
        length += text.length
      } else {
        lose(linesIn(text))
      }
      return hasRoom
    },
    take(maxTaken) {
      let taken = 0
      let count = 0
      while (count < waiting.length) {
        const next = (waiting[count] as string).length
        if (count > 0 && taken + next > maxTaken) break
        taken += next
        count++
      }
      const text = waiting.slice(0, count).join('')
      waiting = waiting.slice(count)
      length -= taken
      return text
    },
    length: () => length,
    lose,
    takeLost() {
      const taken = lost
      lost = undefined
      return taken
    },
    totalLost: () => totalLost
  }
}

function linesIn(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}
