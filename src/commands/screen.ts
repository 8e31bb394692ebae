const HOME = '\x1b[H'
const END_OF_LINE = '\x1b[K'
const REST_OF_SCREEN = '\x1b[J'

/** Draws over what is on the screen, without flicker: line by line, and cut where the screen of so many lines ends. */
export function redraw(text: string, rows = Number.POSITIVE_INFINITY): string {
  const lines = text.split('\n')
  const room = Math.max(2, rows - 1)
  const shown =
    lines.length <= room
      ? lines
      : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines: make the window taller`]
  return `${HOME}${shown.map(line => `${line}${END_OF_LINE}`).join('\n')}\n${REST_OF_SCREEN}`
}
