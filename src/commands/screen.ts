import { widthOf } from './table.ts'

const HOME = '\x1b[H'
const END_OF_LINE = '\x1b[K'
const REST_OF_SCREEN = '\x1b[J'

/** The room of a window, as far as it is known. */
export interface Window {
  readonly rows?: number | undefined
  readonly columns?: number | undefined
}

/**
 * Draws over what is on the screen, without flicker: line by line, and cut where the window ends, in which a long line takes
 * several rows.
 */
export function redraw(text: string, { rows = Infinity, columns = Infinity }: Window = {}): string {
  const lines = text.split('\n')
  const room = Math.max(2, rows - 1)
  const all = fitting(lines, room, columns)
  const shown = all === lines.length ? lines : cut(lines, room, columns)
  return `${HOME}${shown.map(line => `${line}${END_OF_LINE}`).join('\n')}\n${REST_OF_SCREEN}`
}

/** As many as fit, and a line that says how many do not. */
function cut(lines: readonly string[], room: number, columns: number): readonly string[] {
  const noteOf = (shown: number) => `… ${lines.length - shown} more lines: make the window larger`
  const shown = fitting(lines, room - rowsOf(noteOf(0), columns), columns)
  return [...lines.slice(0, shown), noteOf(shown)]
}

/** How many of the lines fit into so many rows. */
function fitting(lines: readonly string[], rows: number, columns: number): number {
  let left = rows
  for (const [index, line] of lines.entries()) {
    left -= rowsOf(line, columns)
    if (left < 0) return index
  }
  return lines.length
}

function rowsOf(line: string, columns: number): number {
  return Math.max(1, Math.ceil(widthOf(line) / columns))
}
