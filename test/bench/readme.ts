import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { documentsWithFigures, figuresIn, withFigures } from './readme-figures.ts'

// Puts the figures of test/bench/results into the documents that show them: `node test/bench/readme.ts`.
const figures = figuresIn(join(import.meta.dirname, 'results'))
for (const document of documentsWithFigures) {
  writeFileSync(document, withFigures(readFileSync(document, 'utf8'), figures))
}
