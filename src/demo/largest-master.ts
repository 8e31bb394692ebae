import type { RecordedRequest } from '../simulation/request-log.ts'
import type { DemoMasters } from './demo-masters.ts'

/** The largest master of the demonstration, which dies and comes back. */
export interface LargestMaster {
  readonly name: string
  /** Resolves when it compiles a catalog and takes no report, which would be lost with it. */
  readonly atWork: () => Promise<void>
  readonly die: () => Promise<void>
  readonly comeBack: () => Promise<void>
  /** The one or the other, in turns. */
  readonly toggle: () => Promise<void>
}

/** Its last requests are enough to know what it works on. */
const LOOKED_AT = 100

export function largestOf({ compile }: DemoMasters, say: (line: string) => void): LargestMaster {
  const master = compile.at(-1)?.master
  if (!master) throw new Error('there is no master')
  const { name } = master
  let isDead = false
  const die = () => {
    isDead = true
    say(`${name} is dead`)
    return master.kill()
  }
  const comeBack = () => {
    if (!isDead) return Promise.resolve()
    isDead = false
    say(`${name} comes back`)
    return master.restart()
  }
  return {
    name,
    atWork: () =>
      master.until(({ running, requests }) => {
        const open = requests.slice(-LOOKED_AT).filter(({ status }) => status === undefined)
        return running > 0 && open.some(isFor('catalog')) && !open.some(isFor('report'))
      }),
    die,
    comeBack,
    toggle: () => (isDead ? comeBack() : die())
  }
}

function isFor(indirection: string): (request: RecordedRequest) => boolean {
  return ({ url }) => url.startsWith(`/puppet/v3/${indirection}/`)
}
