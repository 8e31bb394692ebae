import { resolve } from 'node:path'
import { isOwnFault } from '../model/own-fault.ts'
import { checkConsistency } from './consistency.ts'
import { withEnrolledFiles } from './enrolled-files.ts'
import { type Environment, isEnough, override } from './environment.ts'
import { explain } from './explain.ts'
import { readFailure, readPlainFile } from './plain-file.ts'
import { ConfigError, type Culprit, formatPath, type Path, type Problem, type Report } from './problems.ts'
import { schema } from './schema.ts'
import { fillEmptyGroups, readDraft } from './schema-tree.ts'
import { readSource } from './source.ts'

/** A file's data under the variables, and where to complain about it. */
export function openFile(file: string, env: Environment) {
  const files = new Set([resolve(file)])
  const source = readSource(file, readText(file, isEnough(env)))
  if (source.data === undefined) throw new ConfigError(source.problems, [...files])
  if (typeof source.data === 'string') {
    // It may be any file, one with a secret in it too: nothing of it is shown.
    const text = 'is a plain text, must be a group of keys'
    throw new ConfigError([{ where: source.locate([]), key: 'file', text }], [...files])
  }
  const problems = [...source.problems]
  const reportVariable = (name: string, text: string) => {
    problems.push({ where: `env:${name}`, key: undefined, text })
  }
  const { data: written, variableOf } = override(fillEmptyGroups(source.data), env, reportVariable)
  const { data, isFilledIn } = withEnrolledFiles(written)
  const placeOf = (path: Path, culprit?: Culprit): string => {
    if (isFilledIn(path)) return placeOf(['enroll'], 'key')
    const variable = variableOf(path)
    return variable === undefined ? source.locate(path, culprit) : `env:${variable}`
  }
  const report: Report = (path, text, { culprit, ...blame } = {}) => {
    problems.push({ where: placeOf(path, culprit), key: formatPath(path), text, ...blame })
  }
  return { data, isFilledIn, placeOf, problems, files, report, reportVariable }
}

/** A file that need not be there is empty when it is not. */
function readText(file: string, isOptional: boolean): string {
  try {
    return readPlainFile(file).toString()
  } catch (error) {
    if (isOptional && (error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    const text = `cannot be read, ${readFailure(error)} at ${resolve(file)}; must be a configuration file`
    const where = file === '' ? '(no name)' : file
    const problem = { where, key: undefined, text, ...(isOwnFault(error) && { isOwnFault: true as const }) }
    throw new ConfigError([problem], [resolve(file)])
  }
}

/** What the schema, and the rules between keys, say of a file. */
export function judge({ data, report }: ReturnType<typeof openFile>) {
  const result = schema.safeParse(data)
  if (result.error) explain(result.error.issues, report)
  const draft = readDraft(data)
  checkConsistency(draft, report, (...path) => isThere(data, path))
  return { result, draft }
}

/** Whether a file says anything under these keys, right or wrong. */
function isThere(data: unknown, path: readonly string[]): boolean {
  const [key, ...rest] = path
  if (key === undefined) return true
  return typeof data === 'object' && data !== null && key in data && isThere(Object(data)[key], rest)
}

/** By line and column, then what came from the environment. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const position = ({ where }: Problem): readonly [number, number] => {
    const [, line, column] = /:(\d+):(\d+)$/.exec(where) ?? []
    return line === undefined ? [Number.MAX_SAFE_INTEGER, 0] : [Number(line), Number(column)]
  }
  return problems.toSorted((a, b) => {
    const [lineA, columnA] = position(a)
    const [lineB, columnB] = position(b)
    return lineA - lineB || columnA - columnB
  })
}
