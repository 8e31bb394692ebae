import { stripVTControlCharacters } from 'node:util'

/** Lines with every column as wide as its widest cell, two spaces between. Cells may be coloured. */
export function tableOf(header: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = header.map((name, column) =>
    Math.max(...[header, ...rows].map(row => widthOf(row[column] ?? name)))
  )
  return [header, ...rows].map(row =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd()
  )
}

/** Lines with a title before the first, the others indented below it; `none` when there are none. */
export function block(title: string, lines: readonly string[], width: number): readonly string[] {
  return (lines.length === 0 ? ['none'] : lines).map((line, index) =>
    `${(index === 0 ? title : '').padEnd(width)}${line}`.trimEnd()
  )
}

/** Columns that a text takes on a terminal, colours being none. */
export function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length
}
