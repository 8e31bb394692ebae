import type { RunningFacts, SiteFacts } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'

const find = findingOf('running')

/** What the balancer that runs does otherwise than its configuration, or its masters, would have it. Pure. */
export function checkRunning(
  { reload: { ok, problems, needsRestart }, masters }: RunningFacts,
  site: Pick<SiteFacts, 'masters'>
): readonly Finding[] {
  return [
    ...(ok
      ? []
      : [
          find(
            'error',
            'reload',
            `the balancer that runs did not take its configuration and goes by an older one: ${problems.join('; ')}.`,
            'Correct the file (puppet-lb check --config FILE), then puppet-lb reload.'
          )
        ]),
    ...(needsRestart.length === 0
      ? []
      : [
          find(
            'warning',
            'reload',
            `the balancer that runs keeps its old ${needsRestart.join(', ')}.`,
            'Restart it, or take it over: puppet-lb serve --takeover.'
          )
        ]),
    ...masters.flatMap(({ name, state, cause }) => {
      const seen = site.masters.find(each => each.name === name)
      const isOut = state === 'down' || state === 'ejected' || state === 'silent'
      if (!isOut || !seen || seen.trouble) return []
      const message = `the balancer that runs holds it for ${state}${cause ? ` (${cause})` : ''}, and it answers from here.`
      return [
        find(
          'warning',
          name,
          message,
          'Look at the log of the balancer; puppet-lb status shows whether it is up again.'
        )
      ]
    })
  ]
}
