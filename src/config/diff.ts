import type { Config } from '../model/settings.ts'
import type { SettingChange } from '../model/status.ts'
import { type Summary, summaryOf } from './summary.ts'

export interface ConfigDiff {
  /** In the order of the old file, then what is new. */
  readonly changed: readonly SettingChange[]
  /** Which of the changed keys only a restart can apply. */
  readonly needsRestart: readonly string[]
}

/** What a change from one configuration to another would change. A new token counts, although it is not shown. */
export function diffOf(before: Config, after: Config): ConfigDiff {
  const diff = diffOfSummaries(summaryOf(before), summaryOf(after))
  const [old, next] = [before.boot.admin.token, after.boot.admin.token]
  if (old === undefined || next === undefined || old === next) return diff
  const change = { key: 'admin.token', from: 'set', to: 'set to another one' }
  return { changed: [...diff.changed, change], needsRestart: [...diff.needsRestart, change.key] }
}

/** The same where only what `summaryOf` prints is known, as of a balancer that runs. */
export function diffOfSummaries(before: Summary, after: Summary): ConfigDiff {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const changed = keys.flatMap(key => {
    const [from, to] = [before[key] ?? null, after[key] ?? null]
    if (from === to) return []
    const [, master, isUrl] =
      /^(masters\..+)\.(?:(url)|weight|priority|capacity|resolve|pools)$/.exec(key) ?? []
    const isOther = master !== undefined && `${master}.url` in before !== `${master}.url` in after
    if (!isOther) return [{ key, from, to }]
    // One that comes or goes is told as such, and not key by key.
    return isUrl === undefined ? [] : [{ key: master, from, to }]
  })
  return { changed, needsRestart: changed.map(({ key }) => key).filter(isBootKey) }
}

/** Whether a change of the key needs a restart: see `Boot`. */
export function isBootKey(key: string): boolean {
  return (
    ['listen.host', 'listen.port', 'listen.workers', 'listen.tcp'].includes(key) || key.startsWith('admin.')
  )
}

/** Gives the two sides of a change their colours, or leaves them as they are. */
export interface ChangePaint {
  readonly before: (text: string) => string
  readonly after: (text: string) => string
}

const unpainted: ChangePaint = Object.freeze({
  before: (text: string) => text,
  after: (text: string) => text
})

/** One line a change, or that there is none. */
export function renderDiff({ changed, needsRestart }: ConfigDiff, paint = unpainted): string {
  if (changed.length === 0) return 'nothing would change'
  const lines = changed.map(change => {
    const restart = needsRestart.includes(change.key) ? ' (needs a restart)' : ''
    return `${renderChange(change, paint)}${restart}`
  })
  return lines.join('\n')
}

export function renderChange({ key, from, to }: SettingChange, { before, after } = unpainted): string {
  return `${key}: ${before(from ?? 'none')} -> ${after(to ?? 'none')}`
}
