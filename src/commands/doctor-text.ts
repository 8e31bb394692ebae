import type { Diagnosis, Finding, Level } from '../doctor/finding.ts'
import { levels } from '../doctor/finding.ts'
import { harmless } from './paint.ts'

const WIDTH = 110

/** A diagnosis for a person: each finding with how to mend it, and at the end what it comes to. */
export function describeDiagnosis({ findings }: Diagnosis): string {
  return [...findings.flatMap(describe), summary(findings)].join('\n')
}

function describe({ level, check, subject, message, remedy }: Finding): readonly string[] {
  return [`${level}: ${harmless(subject)} (${check})`, ...indented(message), ...indented(`> ${remedy}`), '']
}

function summary(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'no fault found'
  const counts = levels.flatMap(level => {
    const count = findings.filter(each => each.level === level).length
    return count === 0 ? [] : [`${count} ${named(level, count)}`]
  })
  const isClean = findings.every(({ level }) => level === 'note')
  return `${isClean ? 'no fault found, ' : ''}${counts.join(', ')}`
}

function named(level: Level, count: number): string {
  return count === 1 ? level : `${level}s`
}

/** Lines of a width that a terminal has, broken at spaces. */
function indented(text: string): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of harmless(text.replaceAll('\n', ' ')).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map(each => `  ${each}`)
}
