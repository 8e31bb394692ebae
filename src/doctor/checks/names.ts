import type { AskedName } from '../../model/asked-name.ts'
import { type Finding, findingOf } from '../finding.ts'
import { certificateWith, type Enrolled } from '../new-certificate.ts'

const find = findingOf('names')

/** What is known of names by which agents come. */
export interface NameFacts {
  /** What a running balancer has seen; none without one. */
  readonly asked: readonly AskedName[]
  /** `puppet`, which agents use that are told no server, where it leads to this machine. */
  readonly usual: readonly string[]
}

/** Names that agents use, and that no certificate has. `by`: how ours came here. Pure. */
export function checkNames(
  { asked, usual }: NameFacts,
  isCovered: (name: string) => boolean,
  by?: Enrolled
): readonly Finding[] {
  const remedyFor = (name: string) =>
    `${certificateWith(name, by)} Or have agents use another name (server in their puppet.conf).`
  const seen = asked
    .filter(({ name }) => !isCovered(name))
    .map(({ name, handshakes, failed, lastSeen }) =>
      find(
        'warning',
        name,
        `the certificate lacks this name, by which clients came ${handshakes} ${handshakes === 1 ? 'time' : 'times'} (${failed} ` +
          `gave up in the handshake), last at ${lastSeen}: agents refuse to talk to us under it.`,
        `${remedyFor(name)} If no agent uses it, a stranger asked, and nothing is to be done.`
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
        remedyFor(name)
      )
    )
  return [...seen, ...likely]
}
