import type { CodeStatus } from '../../model/code.ts'
import { sharePool } from '../../model/pool.ts'
import type { CodeFacts, MemberFacts, SiteFacts } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'

const find = findingOf('code')
const remedy =
  'Deploy the same code to both (r10k deploy environment, or Code Manager), then flush their caches: puppet-lb deployed ' +
  'ENVIRONMENT.'
/** A deployment takes less. */
const DEPLOYMENT_MS = 15 * 60_000
/** More names nobody reads. */
const SHOWN = 3

/** Masters of one pool that serve other code than the first of it. Pure. */
export function checkCode({ masters }: SiteFacts): readonly Finding[] {
  return masters.flatMap((master, index) => {
    const before = masters.slice(0, index).find(each => each.code !== undefined && sharePool(each, master))
    if (!before?.code || !master.code) return []
    return difference(master, master.code, before, before.code)
  })
}

/** Environments of which a balancer that runs has seen masters serve different code for longer than a deployment. Pure. */
export function checkServedCode(code: readonly CodeStatus[], nowMs: number): readonly Finding[] {
  return code.flatMap(({ environment, differsSince, masters }) => {
    if (differsSince === null || nowMs - Date.parse(differsSince) < DEPLOYMENT_MS) return []
    const known = masters.filter(({ version }) => version !== null)
    const served = listed(known.map(({ name, version }) => `${name} ${version}`))
    const message = `masters have served different code of it since ${differsSince}: ${served}.`
    return [find('warning', environment, message, remedy)]
  })
}

function difference(a: MemberFacts, codeA: CodeFacts, b: MemberFacts, codeB: CodeFacts): readonly Finding[] {
  const environments = [
    ...onlyIn(codeA.environments, codeB.environments),
    ...onlyIn(codeB.environments, codeA.environments)
  ]
  if (environments.length > 0) {
    const message = `it and ${b.name} have not the same environments: ${listed(environments)} ${
      environments.length === 1 ? 'is' : 'are'
    } on one of them only.`
    return [find('warning', a.name, message, remedy)]
  }
  const [ours, theirs] = [codeA.plugins, codeB.plugins]
  if (!ours || !theirs || codeA.environment !== codeB.environment) return []
  const paths = new Set([...ours.keys(), ...theirs.keys()])
  const different = [...paths].filter(path => ours.get(path) !== theirs.get(path)).sort()
  if (different.length === 0) return []
  const message =
    `its plugins of the environment ${codeA.environment} are not those of ${b.name}: ${listed(different)}. Agents get ` +
    'now these, now those.'
  return [find('warning', a.name, message, remedy)]
}

function onlyIn(these: readonly string[], those: readonly string[]): readonly string[] {
  return these.filter(each => !those.includes(each))
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map(name => name.replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 200))
  const more = names.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
