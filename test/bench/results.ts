import { readFileSync } from 'node:fs'

/** What earlier measurements wrote. Throws for a file that is not there or holds something else. */
export function readResults<Result>(
  files: readonly string[],
  isOne: (value: Partial<Result>) => boolean
): readonly Result[] {
  return files.flatMap(file => {
    const text = readFileSync(file, 'utf8')
    try {
      const found: readonly Result[] = JSON.parse(text)
      if (found.every(isOne)) return found
    } catch {
      // Said below, in words that name the file.
    }
    throw new Error(`${file} holds no measurements of this benchmark`)
  })
}
