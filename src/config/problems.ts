import { holdsSecret } from '../model/secret-text.ts'

/** Where a value sits in the configuration: `['masters', 1, 'url']`. */
export type Path = readonly (string | number)[]

/**
 * Says that the value at `path` is wrong, or the key itself. `text` says what is wrong and what is allowed,
 * without the key.
 */
export type Report = (path: Path, text: string, blame?: Blame) => void
export type Culprit = 'value' | 'key'

/** What is to blame beside the value at the path. */
export interface Blame {
  /** Default `value`. */
  readonly culprit?: Culprit
  /** See `Problem`. */
  readonly isPairMismatch?: true
  readonly isOwnFault?: true
}

/** One thing a person has to change, with the place to change it. */
export interface Problem {
  /** `FILE:LINE:COL`, `FILE` alone, or `env:NAME`. */
  readonly where: string
  /** The key as a person writes it, `masters[1].url`; `undefined` when no key of the file is to blame. */
  readonly key: string | undefined
  readonly text: string
  /**
   * A certificate and a key that do not belong together, each of them fine: so it looks while a tool has renewed one
   * of the two files and not yet the other.
   */
  readonly isPairMismatch?: true
  /** A file may be fine, but this process lacked something to read it with, a descriptor for one. */
  readonly isOwnFault?: true
}

/** The configuration cannot be used. Holds every problem found, not just the first. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]
  /** The files it was read from as far as they are known, absolute: whoever waits for a better one watches these. */
  readonly files: readonly string[]

  constructor(problems: readonly Problem[], files: readonly string[] = []) {
    super(problems.map(formatProblem).join('\n'))
    this.problems = problems
    this.files = files
  }

  /**
   * True when nothing is wrong but what may mend by itself: pairs of certificate and key, whose other half may be on
   * its way, and files that could not be read for want of something of our own.
   */
  get mayMend(): boolean {
    const passes = ({ isPairMismatch, isOwnFault }: Problem) => isPairMismatch === true || isOwnFault === true
    return this.problems.length > 0 && this.problems.every(passes)
  }

  /** One line a problem, `FILE:LINE:COL key: what is wrong, what is allowed`. */
  get lines(): readonly string[] {
    return this.problems.map(formatProblem)
  }
}

/** `masters[1].url` for `['masters', 1, 'url']`; the file as a whole is `file`. */
export function formatPath(path: Path): string {
  if (path.length === 0) return 'file'
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? showKey(part) : `${text}.${showKey(part)}`
  }, '')
}

/** A key's name as it may be printed. What does not look like a name may be a pasted secret: it is not shown. */
export function showKey(name: string): string {
  return /^[\w.<-]{1,40}$/.test(name) ? name : '(not a name)'
}

/** A value as it may be printed: short, on one line, and never a key or password put in by mistake. */
export function showValue(value: unknown): string {
  if (value === null || value === '') return 'empty'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a group of keys'
  if (typeof value !== 'string') return String(value)
  if (value.includes('-----BEGIN')) return 'the text of a PEM file'
  if (/[\r\n]/.test(value)) return 'a text of several lines'
  if (holdsSecret(value)) return 'what looks like a key, a certificate or a password'
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
}

/** `FILE:LINE:COL key: what is wrong, what is allowed`. */
export function formatProblem({ where, key, text }: Problem): string {
  return key === undefined ? `${where}: ${text}` : `${where} ${key}: ${text}`
}
