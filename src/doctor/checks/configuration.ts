import { type ConfigError, formatProblem } from '../../config/problems.ts'
import { type Finding, findingOf } from '../finding.ts'

const find = findingOf('configuration')

/** A configuration that cannot be used: with it nobody else can be asked. Pure. */
export function checkProblems({ problems }: ConfigError, file: string): readonly Finding[] {
  return problems.map(problem =>
    find(
      'error',
      problem.key ?? problem.where,
      `${formatProblem(problem)}.`,
      remedyOf(problem.key ?? '', problem.text, file)
    )
  )
}

/** What works and should be changed. That lists are missing is told elsewhere. Pure. */
export function checkWarnings(warnings: readonly string[], file: string): readonly Finding[] {
  return warnings
    .filter(warning => !/ tls\.crl(?:\.file)?: /.test(warning))
    .map(warning =>
      find(
        'warning',
        file,
        `${warning}.`,
        `Change it as it says; puppet-lb check --config ${file} repeats it.`
      )
    )
}

function remedyOf(key: string, text: string, file: string): string {
  const isOfCertificate = /^(?:tls|upstream\.tls)\.(?:cert|key)/.test(key)
  if (isOfCertificate && text.includes('is not valid before'))
    return 'Look at the clock of this machine first (timedatectl); the certificate may be good.'
  if (isOfCertificate && /expired|does not belong/.test(text))
    return (
      'On the CA: puppetserver ca clean --certname NAME, then puppetserver ca generate --certname NAME ' +
      '--subject-alt-names NAME,puppet, and copy certificate and key here, both of them.'
    )
  if (text.includes('this user may not read'))
    return 'Run this as the user that the balancer runs as, and let that user read the file (chown, mode 0600).'
  return `Change what it names; puppet-lb check --config ${file} says when all is right.`
}
