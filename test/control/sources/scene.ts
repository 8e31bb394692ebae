import type { KnownOf } from '../../../src/control/sources/join.ts'
import type { Answer, Known } from '../../../src/control/sources/question.ts'
import { keyOf } from '../../../src/control/sources/question.ts'
import type { SourceSettings } from '../../../src/control/sources/sources.ts'
import type { MasterSettings, SrvSettings } from '../../../src/model/settings.ts'

export const domain = 'site-a.example.com'
export const srv: SrvSettings = { domain, refreshMs: 30_000, servers: ['10.0.0.53'] }

export const master = (name: string, rest: Partial<MasterSettings> = {}): MasterSettings => ({
  name,
  url: `https://${name}.example.com:8140`,
  weight: 1,
  priority: 0,
  ...rest
})

export const settingsOf = (
  masters: readonly MasterSettings[],
  {
    ca = 'https://ca.example.com:8140',
    bySrv = false
  }: { readonly ca?: string | null; readonly bySrv?: boolean } = {}
): SourceSettings => ({
  masters,
  listen: { tcp: [] },
  ca: ca === null ? undefined : { url: ca },
  discovery: { refreshMs: 10_000, srv: bySrv ? srv : undefined }
})

const nothing: Known = { answer: undefined, cause: undefined, isTried: false }

/** What is known by the keys of questions: an answer, or the code of an error. */
export const knowing =
  (known: Readonly<Record<string, Answer | string>>): KnownOf =>
  question => {
    const answer = known[keyOf(question)]
    if (answer === undefined) return nothing
    if (typeof answer === 'string') return { answer: undefined, cause: answer, isTried: true }
    return { answer, cause: undefined, isTried: true }
  }

export const at = (...addresses: string[]): Answer => ({ addresses })
export const records = (...lines: readonly (readonly [number, number, string, number?])[]): Answer => ({
  records: lines.map(([priority, weight, name, port = 8140]) => ({ priority, weight, name, port }))
})
