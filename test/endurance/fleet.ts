import pino from 'pino'
import { NoSeatError } from '../../src/control/roster.ts'
import { type Master, seatCount } from '../../src/model/master.ts'
import { type Operation, UnknownMasterError } from '../../src/model/operation.ts'
import type { Runtime } from '../../src/model/runtime.ts'
import type { Config } from '../../src/model/settings.ts'
import { fakeRuntime, seededDice } from '../support/runtime.ts'
import { type Agents, createAgents } from './agents.ts'
import { createControl } from './control.ts'
import type { End, Question } from './exchange.ts'
import { createNames } from './names.ts'
import { createWorkers } from './planes.ts'
import { createPromises } from './promises.ts'
import { createReach } from './reach.ts'
import { createSite } from './site.ts'
import { createWorker } from './worker.ts'

const operations: readonly Operation[] = [
  { action: 'drain' },
  { action: 'undrain' },
  { action: 'undrain' },
  { action: 'maint' },
  { action: 'weight', weight: 0 },
  { action: 'weight', weight: 5 },
  { action: 'weight', weight: 'default' }
]

/** All of a balancer between masters and agents that do what the dice say. */
export function createFleet(seed: number, config: Config) {
  const dice = seededDice(seed)
  const clock = fakeRuntime({ seed })
  const broken: string[] = []
  const runtime: Runtime = {
    ...clock,
    schedule: (delayMs, task) =>
      clock.schedule(delayMs, () => {
        task()
        promises.look()
      })
  }
  const log = pino({ level: 'error' }, { write: line => void broken.push(line) })
  const names = createNames(runtime, dice)
  const site = createSite({ ...runtime, dice }, names)
  const machineOf = ({ addresses }: Pick<Master, 'addresses'>) => site.machineAt(addresses)
  const control = createControl({
    config: { ...config, settings: site.settings(config.settings) },
    ask: names.ask,
    machineOf,
    tell: order => workers.tell(order),
    whenApplied: version => workers.whenApplied(version),
    freeing: seat => promises.seats.freeing(seat),
    adopting: (proposal, reloaded) => promises.adopting(proposal, reloaded),
    naming: () => promises.members.naming(),
    published: snapshot => promises.serving.published(snapshot),
    ejected: (master, fault) => {
      tally.ejected++
      if (fault === 'connects') return
      tally.outliers++
      promises.serving.ejected(master)
    },
    ...{ runtime, log }
  })
  const tally = {
    ejected: 0,
    outliers: 0,
    joined: 0,
    left: 0,
    drained: 0,
    deaths: 0,
    silent: 0,
    waited: 0,
    reloads: 0,
    noSeat: 0
  }
  const agents: Agents = createAgents(control.memory.seed, dice)
  const workers = createWorkers({
    ...{ runtime, dice, memory: control.memory, count: config.boot.listen.workers },
    current: control.current,
    start: (number, publication, applied) =>
      createWorker({
        start: {
          ...{ boot: config.boot, worker: number, workers: config.boot.listen.workers, port: 0 },
          ...{ descriptors: Number.POSITIVE_INFINITY, memory: control.memory.buffers, publication }
        },
        pins: control.memory.pins,
        ...{ runtime, log },
        tell(report) {
          if (report.type === 'applied') applied(report.version)
          if (report.type === 'outcome') control.supervisor.report(report.outcome)
        },
        upstreamOf: createReach({ machineOf, runtime, dice, isBroken: site.isBroken }),
        masked: (...args) => promises.serving.masked(...args),
        waited: () => tally.waited++,
        took: (...args) => promises.seats.took(...args)
      })
  })
  const promises = createPromises({
    ...{ names, machineOf, now: runtime.now },
    breaks: sentence => void broken.push(sentence),
    control: () => control,
    agents: () => agents,
    workers: () => workers.alive()
  })

  control.events.subscribe(({ kind, master }) => {
    if (kind === 'master-drained') {
      tally.drained++
      promises.drains.drained(master)
    }
    if (kind === 'master-joined') tally.joined++
    if (kind === 'master-left') tally.left++
    if (kind === 'master-silent') tally.silent++
  })

  /** A change that takes its time; what is to be known of it may be looked at when it has ended. */
  function change(work: Promise<unknown>): void {
    promises.members.changing(1)
    work
      .catch(error => {
        if (error instanceof NoSeatError) tally.noSeat++
        else if (!(error instanceof UnknownMasterError)) throw error
      })
      .catch(error => broken.push((error as Error).stack ?? String(error)))
      .finally(() => promises.members.changing(-1))
  }

  function operate(name: string, operation: Operation): void {
    const inForce = promises.members.saying(name, operation)
    change(control.operate(name, operation, 'the test').then(inForce))
  }

  function operateSome(): string {
    const masters = control.roster.current().masters.filter(({ mode }) => mode !== 'leaving')
    const one = masters[site.pick(masters.length)]?.name
    const name = one?.startsWith('pool/') && dice() < 0.5 ? 'pool' : one
    if (name === undefined) return 'nobody to operate on'
    const operation = site.someOf(operations)
    operate(name, operation)
    if (operation.action === 'undrain' && dice() < 0.3) operate(name, { action: 'drain' })
    return `${JSON.stringify(operation)} ${name}`
  }

  function reload(): string {
    tally.reloads++
    change(control.reload(site.settings(control.settings()), promises.members.reloaded))
    return 'reload'
  }

  function die(): string {
    const worker = site.someOf(workers.alive())
    if (!worker) return 'nobody to die'
    tally.deaths++
    void workers.kill(worker)
    return `worker ${worker.number} dies`
  }

  /** One thing happens; what it was. */
  function happen(): string {
    const what = dice()
    if (what < 0.085) return site.disturb()
    if (what < 0.1) return site.disturbAll()
    if (what < 0.115) return site.load()
    if (what < 0.12) return site.breakManifest(agents.someName())
    if (what < 0.15) return site.changeNames()
    if (what < 0.18) return site.disturbNames()
    if (what < 0.22) return operateSome()
    if (what < 0.25) return reload()
    return what < 0.255 ? die() : ''
  }

  return {
    ...{ broken, tally, agents, control, workers },
    now: clock.now,
    async start() {
      const started = control.start(() => {
        promises.begin()
        workers.start()
      })
      await clock.advance(30_000)
      await started
    },
    async step(): Promise<string> {
      const what = happen()
      agents.act(workers.alive())
      const pace = dice()
      await clock.advance(pace < 0.75 ? 400 * dice() : pace < 0.99 ? 3_000 * dice() : 60_000 * dice())
      agents.settleAll()
      promises.inspect()
      broken.push(...agents.broken.splice(0))
      return what
    },
    /** All is well again, and time passes. What is still not as it was. */
    async heal(): Promise<readonly string[]> {
      site.heal()
      change(control.reload(site.soundSettings(control.settings()), promises.members.reloaded))
      for (const name of promises.members.named().map(key => key.replace(/\/$/, ''))) {
        operate(name, { action: 'undrain' })
        operate(name, { action: 'weight', weight: 'default' })
      }
      await clock.advance(200)
      const waiting = agents.underWay().filter(talk => talk.isWaiting())
      for (let minute = 0; minute < 16; minute++) {
        await clock.advance(60_000)
        promises.inspect()
      }
      return [
        ...waiting
          .filter(({ end, question }) => end?.status !== 200 && !isToldToComeBack(end, question))
          .map(({ question, end }) => `${question.target} waited and got ${end?.status} ${end?.end}`),
        ...left()
      ]
    },
    stop: control.stop
  }

  function left(): readonly string[] {
    const { board, slots } = control.memory
    const { masters, ca } = control.roster.current()
    const counts = Array.from({ length: seatCount }, (_, seat) =>
      [board.inFlight, slots.taken, slots.ghosts, slots.failed].map(count => count(seat))
    )
    return [
      ...[...masters, ca]
        .filter(({ id, mode }) => mode === 'leaving' || control.supervisor.stateOf(id) !== 'up')
        .map(({ name, id, mode }) => `${name} is ${mode} and ${control.supervisor.stateOf(id)}`),
      ...counts.flatMap((each, seat) => (each.some(Boolean) ? [`${each} is counted at seat ${seat}`] : [])),
      ...(slots.depth() === 0 ? [] : [`${slots.depth()} wait`]),
      ...(control.roster.freeSeats() === seatCount - 1 - masters.length ? [] : ['a seat is lost'])
    ]
  }
}

/** Its time in the queue was over, or its last master left, and it loses nothing by that. */
function isToldToComeBack(end: End | undefined, { version }: Question): boolean {
  return version === '8.10.0' && (end?.end === 'queue-timeout' || end?.end === 'no-master')
}
