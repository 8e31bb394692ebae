import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { figuresIn, withFigures } from './readme-figures.ts'

// Puts the figures of test/bench/results into the README: `node test/bench/readme.ts`.
const readme = join(import.meta.dirname, '../../README.md')
const figures = figuresIn(join(import.meta.dirname, 'results'))
writeFileSync(readme, withFigures(readFileSync(readme, 'utf8'), figures))
