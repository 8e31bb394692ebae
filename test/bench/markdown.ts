/** A table; the first columns hold words, the others numbers. */
export function markdown(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  wordColumns = 1
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(header),
    line(header.map((_, column) => (column < wordColumns ? '---' : '---:'))),
    ...rows.map(line)
  ].join('\n')
}
