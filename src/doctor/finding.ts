/**
 * How bad it is. `error`: agents fail, or somebody can do what nobody may. `warning`: it will come to that, or part of
 * the site is worse off. `note`: worth knowing, and no fault.
 */
export const levels = ['error', 'warning', 'note'] as const
export type Level = (typeof levels)[number]

/** What is looked at, in the order in which it is told. */
export const checks = [
  'configuration',
  'running',
  'reachability',
  'certificate',
  'clock',
  'version',
  'identity',
  'permission',
  'revocation',
  'names',
  'machine',
  'code',
  'server-files'
] as const
export type Check = (typeof checks)[number]

/** One thing that was found. The field names are part of the contract. */
export interface Finding {
  readonly level: Level
  readonly check: Check
  /** What it is about: a master by its name, `ca`, a file, a key of the configuration. */
  readonly subject: string
  /** What is so, and what comes of it. */
  readonly message: string
  /** How to mend it. */
  readonly remedy: string
}

/** Makes findings of one check. */
export function findingOf(check: Check) {
  return (level: Level, subject: string, message: string, remedy: string): Finding => ({
    level,
    check,
    subject,
    message,
    remedy
  })
}

/** What a diagnosis came to, as `--json` prints it. */
export interface Diagnosis {
  /** Nothing but notes. */
  readonly ok: boolean
  /** The worst first, then in the order of the checks. */
  readonly findings: readonly Finding[]
}

export function diagnosisOf(findings: readonly Finding[]): Diagnosis {
  const rank = ({ level, check }: Finding) => levels.indexOf(level) * checks.length + checks.indexOf(check)
  return {
    ok: findings.every(({ level }) => level === 'note'),
    findings: findings.toSorted((a, b) => rank(a) - rank(b))
  }
}
