import { type ConfigError, formatProblem, type Problem } from '../../config/problems.ts'
import { type Finding, findingOf } from '../finding.ts'
import { type Enrolled, enrolling, newCertificate, nextHopCertificate } from '../new-certificate.ts'

const find = findingOf('configuration')

/**
 * A configuration that cannot be used: with it nobody else can be asked. `by`: how the certificate comes here. What
 * enrolment is to bring is told once. Pure.
 */
export function checkProblems({ problems }: ConfigError, file: string, by?: Enrolled): readonly Finding[] {
  const pending = problems.find(({ key, text }) => key === 'enroll' && text.startsWith('is not done yet'))
  return problems
    .filter(each => each === pending || !isBrought(each, pending))
    .map(problem =>
      find(
        'error',
        problem.key ?? problem.where,
        `${formatProblem(problem)}.`,
        problem === pending
          ? `${enrolling(file)}, or start it (puppet-lb serve); both say what they wait for, and so does /readyz.`
          : remedyOf(problem, file, by)
      )
    )
}

/** Whether a file is missing that enrolment brings. */
function isBrought({ key = '', where }: Problem, pending: Problem | undefined): boolean {
  return where === pending?.where && /^tls\.(?:cert|key|ca|crl\.file)$/.test(key)
}

/** What works and should be changed. That lists are missing is told elsewhere. Pure. */
export function checkWarnings(warnings: readonly string[], file: string): readonly Finding[] {
  return warnings
    .filter(warning => !/ tls\.crl(?:\.file)?: /.test(warning))
    .map(warning =>
      / masters: is missing: the CA is the one master/.test(warning)
        ? find('note', file, `${warning}.`, 'Nothing, if that is meant; else name the compile masters.')
        : find(
            'warning',
            file,
            `${warning}.`,
            `Change it as it says; puppet-lb check --config ${file} repeats it.`
          )
    )
}

function remedyOf({ key = '', text }: Problem, file: string, by: Enrolled | undefined): string {
  const isOfCertificate = /^(?:tls|upstream\.tls)\.(?:cert|key)/.test(key)
  if (isOfCertificate && text.includes('is not valid before'))
    return 'Look at the clock of this machine first (timedatectl); the certificate may be good.'
  if (isOfCertificate && /expired|does not belong/.test(text)) {
    if (key.startsWith('upstream.')) return nextHopCertificate
    const isEnrolled = by && text.includes(`${by.enroll.directory}/`)
    if (!isEnrolled) return `${newCertificate(undefined).slice(0, -1)}, both of them.`
    if (text.includes('does not belong')) return newCertificate(by)
    return `${enrolling(file)}, or a restart: it asks for another certificate of the same key, and says what to do on the CA.`
  }
  if (text.includes('this user may not read'))
    return 'Run this as the user that the balancer runs as, and let that user read the file (chown, mode 0600).'
  return `Change what it names; puppet-lb check --config ${file} says when all is right.`
}
