import type { AskedName } from '../../model/asked-name.ts'
import { type Finding, findingOf } from '../finding.ts'

const find = findingOf('names')

const remedy =
  'Issue a certificate with this name too: on the CA, puppetserver ca clean --certname NAME, then puppetserver ca ' +
  'generate --certname NAME --subject-alt-names with every name in use, and copy it here. Or have agents use another ' +
  'name (server in their puppet.conf).'

/** What is known of names by which agents come. */
export interface NameFacts {
  /** What a running balancer has seen; none without one. */
  readonly asked: readonly AskedName[]
  /** `puppet`, which agents use that are told no server, where it leads to this machine. */
  readonly usual: readonly string[]
}

/** Names that agents use, and that no certificate has. Pure. */
export function checkNames(
  { asked, usual }: NameFacts,
  isCovered: (name: string) => boolean
): readonly Finding[] {
  const seen = asked
    .filter(({ name }) => !isCovered(name))
    .map(({ name, handshakes, failed, lastSeen }) =>
      find(
        'warning',
        name,
        `the certificate lacks this name, by which clients came ${handshakes} ${handshakes === 1 ? 'time' : 'times'} (${failed} ` +
          `gave up in the handshake), last at ${lastSeen}: agents refuse to talk to us under it.`,
        `${remedy} If no agent uses it, a stranger asked, and nothing is to be done.`
      )
    )
  const names = new Set(asked.map(({ name }) => name))
  const likely = usual
    .filter(name => !isCovered(name) && !names.has(name))
    .map(name =>
      find(
        'warning',
        name,
        'the certificate lacks this name, which leads to this machine and which agents use that are told no server.',
        remedy
      )
    )
  return [...seen, ...likely]
}
