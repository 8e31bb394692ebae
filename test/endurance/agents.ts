import { claimantCell } from '../../src/shared/slots/claimants.ts'
import type { Claimant } from '../../src/shared/slots/types.ts'
import type { Question, Talk } from './exchange.ts'
import type { Worker } from './worker.ts'

const COUNT = 24
/** Whom a Retry-After would end, and who comes back. */
const versions = ['7.23.0', '8.10.0'] as const

/** The requests of a run, one after the other. */
const run = [
  ['GET', 'node/NAME'],
  ['GET', 'file_metadatas/plugins'],
  ['POST', 'catalog/NAME'],
  ['GET', 'file_metadata/modules/a/b'],
  ['GET', 'file_content/modules/a/b'],
  ['PUT', 'report/NAME']
] as const

interface Agent {
  readonly certname: string
  readonly version: string
  phase: number
  talk: Talk | undefined
  worker: Worker | undefined
  hasLeft: boolean
}

/** Agents that run again and again, wait, and go away. */
export function createAgents(seed: number, dice: () => number) {
  const agents = Array.from(
    { length: COUNT },
    (_, index): Agent => ({
      certname: `agent-${index}.example.com`,
      version: versions[index % 2] as string,
      phase: 0,
      talk: undefined,
      worker: undefined,
      hasLeft: false
    })
  )
  const byCell = new Map(agents.map(agent => [claimantCell(agent.certname, seed), agent]))
  const byName = new Map(agents.map(agent => [agent.certname, agent]))
  const broken: string[] = []
  const ends = new Map<string, number>()

  function question({ certname, version, phase }: Agent): Question {
    if (dice() < 0.05)
      return { certname, version, method: 'GET', target: '/puppet-ca/v1/certificate_revocation_list/ca' }
    const [method, path] = run[phase] ?? run[0]
    const target = `/puppet/v3/${path.replace('NAME', certname)}?environment=production`
    return { certname, version, method, target }
  }

  /** Looks at what became of its request. */
  function settle(agent: Agent): void {
    const { talk, worker, hasLeft } = agent
    if (!talk || !worker) return
    if (talk.settled > 1) broken.push(`a request of ${agent.certname} is answered ${talk.settled} times`)
    if (!talk.end && worker.isAlive() && !hasLeft) return
    const end = !worker.isAlive() ? 'its worker died' : `${talk.end?.status} ${talk.end?.end}`
    ends.set(end, (ends.get(end) ?? 0) + 1)
    if (talk.end?.end === 'internal') broken.push(`a request of ${agent.certname} met a defect`)
    agent.phase = talk.end?.status === 200 ? (agent.phase + 1) % run.length : 0
    agent.talk = undefined
  }

  function ask(agent: Agent, workers: readonly Worker[]): void {
    const worker = workers[Math.floor(dice() * workers.length)]
    if (!worker) return
    agent.worker = worker
    agent.hasLeft = false
    agent.talk = worker.ask(question(agent))
  }

  return {
    broken,
    ends,
    nameOf: (claimant: Claimant | undefined) => byCell.get(claimant?.cell ?? -1)?.certname ?? '',
    someName: () => (agents[Math.floor(dice() * COUNT)] as Agent).certname,
    comesBack: (certname: string) => byName.get(certname)?.version === '8.10.0',
    act(workers: readonly Worker[]) {
      for (const agent of agents) {
        settle(agent)
        const what = dice()
        if (!agent.talk) {
          if (what < 0.5) ask(agent, workers)
        } else if (what < 0.01) {
          agent.hasLeft = true
          agent.talk.hangUp()
        } else if (what < 0.015) agent.talk.endSide()
      }
    },
    settleAll() {
      for (const agent of agents) settle(agent)
    },
    underWay: () => agents.flatMap(({ talk, hasLeft }) => (talk && !talk.end && !hasLeft ? [talk] : []))
  }
}

export type Agents = ReturnType<typeof createAgents>
