/** Lines with every column as wide as its widest cell, two spaces between. */
export function tableOf(header: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = header.map((name, column) =>
    Math.max(...[header, ...rows].map(row => (row[column] ?? name).length))
  )
  return [header, ...rows].map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
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
