/** A table; some columns hold words, the others numbers. */
export function markdown(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  wordColumns: readonly number[] = [0]
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(header),
    line(header.map((_, column) => (wordColumns.includes(column) ? '---' : '---:'))),
    ...rows.map(line)
  ].join('\n')
}
