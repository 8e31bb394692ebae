import { takesNewRuns } from '../model/master.ts'
import type { Operate } from '../model/operation.ts'
import { isLedTo } from '../model/pool.ts'
import type { Settings } from '../model/settings.ts'
import { poolsIn, type Snapshot } from '../model/snapshot.ts'
import { createSharedMemory, type SharedTables } from '../shared/memory.ts'
import type { CauseKind } from '../upstream/cause.ts'
import { type Agents, createAgents } from './agents/agents.ts'
import { type Capacity, createCapacity } from './capacity/capacity.ts'
import { type CertificateCare, createCertificateCare } from './certificate-care.ts'
import { type CodeCare, createCodeCare } from './code/code-care.ts'
import type { ControlPlaneOptions } from './control-plane-options.ts'
import type { Drains } from './drains.ts'
import { createFileWatch } from './file-watch.ts'
import { assertFree } from './free-port.ts'
import { describeOverlay, type JoinedMembers, wantedOf } from './joined-members.ts'
import { createFaultCounts, type FaultCounts } from './master-watch/fault-counts.ts'
import type { EjectionFault } from './master-watch/master-watch.ts'
import { createMemberControl } from './member-control.ts'
import { createOutlierDetection } from './outliers/detection.ts'
import { createOverlayFile } from './overlay-file.ts'
import { createOwnFaults } from './own-faults.ts'
import type { Planes } from './planes.ts'
import { planesOf } from './planes-of.ts'
import { prepareSettings } from './prepare-settings.ts'
import { createPresentedCertificates } from './presented-certificates.ts'
import { createPublisher, type Publisher } from './publisher.ts'
import { createReload, type PreparedReload, type Reload } from './reload.ts'
import { createRoster, type Roster } from './roster.ts'
import { setSeatLimits } from './seat-limits.ts'
import { idlePools } from './serving.ts'
import { createOwnPlaces, ownAddresses } from './sources/own-places.ts'
import { createAskDns } from './sources/resolver.ts'
import { createSources, type Sources } from './sources/sources.ts'
import { type MasterContext, superviseMasters } from './supervise-masters.ts'
import type { Supervisor } from './supervisor.ts'
import { createTakeoverEnds, type TakeoverEnds } from './takeover/ends.ts'
import { createHeldElsewhere } from './takeover/held-elsewhere.ts'
import { overlayOf } from './takeover/taking-over.ts'

/** Who is not found by then is no hindrance to those who are: a start goes on without. */
const START_LOOKUP_TIMEOUT_MS = 10_000

/** Decides who may serve, and holds the data planes. */
export interface ControlPlane {
  readonly memory: SharedTables
  readonly roster: Roster
  readonly supervisor: Supervisor
  readonly sources: Pick<Sources, 'failures' | 'unknown'>
  readonly members: JoinedMembers
  readonly drains: Drains
  readonly planes: Planes
  readonly agents: Agents
  readonly reload: Reload
  readonly operate: Operate
  readonly revocations: CertificateCare['revocations']
  readonly probeFailures: FaultCounts<CauseKind>
  readonly ejections: FaultCounts<EjectionFault>
  readonly code: CodeCare
  readonly capacity: Capacity
  readonly takeover: TakeoverEnds
  readonly certificates: Pick<CertificateCare, 'caDocuments' | 'ends' | 'ownStanding'>
  /** Resolves with the port once every master was probed once and every plane listens. */
  readonly start: () => Promise<number>
  readonly stop: () => Promise<void>
}

/** What the parts of the control plane share. */
interface Context extends ControlPlaneOptions, MasterContext {
  readonly agents: Agents
}

/** Reads the revocation lists and builds everything; nothing is asked or served before `start`. */
export async function createControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { config, runtime, log, events, predecessor } = options
  const overlayFile = createOverlayFile({ log, events })
  const kept = await overlayFile.read(config.settings.state.directory)
  const overlay = predecessor ? overlayOf(predecessor) : kept
  const { dns = createAskDns() } = options
  let phase: 'begun' | 'starting' | 'started' = 'begun'
  const ownPlaces = createOwnPlaces(config.boot.listen, ownAddresses)
  const sources = createSources(config.settings, {
    ...{ ask: dns.ask, runtime, log, events },
    ownPlaces: ownPlaces.now,
    changed() {
      if (phase !== 'begun') follow()
    }
  })
  const { remarks: _, ...named } = sources.named()
  const first = { ...named, overlay }
  const roster = createRoster()
  roster.adopt(roster.propose(wantedOf(first)))
  const memory = createSharedMemory(config.boot, runtime)
  let settings = config.settings
  let nextSettings = settings
  const held = createHeldElsewhere(() => setSeats())
  const context: Context = {
    ...options,
    memory,
    roster,
    held,
    probeFailures: createFaultCounts(),
    ejections: createFaultCounts(),
    presented: createPresentedCertificates(),
    ownFaults: createOwnFaults({ now: runtime.now, log }),
    agents: createAgents({
      runtime,
      masterVersions: () =>
        roster.current().masters.flatMap(({ id }) => supervisor.watchOf(id)?.load?.version() ?? [])
    }),
    settings: () => settings,
    nextSettings: () => nextSettings
  }

  const certificates = await createCertificateCare({
    ...context,
    publish: part => void publisher.publish(part),
    renewed: () => void reload.afterChange()
  })
  const { revocations } = certificates
  const supervisor = superviseMasters({
    ...context,
    publish: snapshot => publishSnapshot({ snapshot }),
    planes: () => planes
  })
  const code = createCodeCare({ ...context, stateOf: supervisor.stateOf })
  const publisher: Publisher = createPublisher(
    {
      snapshot: supervisor.snapshot(),
      settings,
      revoked: revocations.revoked(),
      caDocuments: certificates.caDocuments()
    },
    order => planes.tell(order)
  )
  const planes = planesOf(context, publisher, supervisor, {
    onCaDocumentRead: certificates.documentWasRead,
    onCode: code.note
  })
  const whenApplied = () => planes.whenApplied(publisher.current().version)
  const { changes, members, apply, follow, operate, seating, drains } = createMemberControl({
    ...{ first, sources, roster, supervisor, memory, held, whenApplied, overlayFile, runtime, log, events },
    publish: part => publishSnapshot(part),
    hasStarted: () => phase === 'started',
    // What this process knows of operators by then is older than what its successor keeps there.
    stateDirectory: () => (takeover.isHandedOver() ? undefined : settings.state.directory)
  })
  const capacity = createCapacity({ ...context, agents: context.agents.book, snapshot: supervisor.snapshot })
  const outliers = createOutlierDetection({
    masters: () => roster.current().masters.filter(takesNewRuns),
    watchOf: supervisor.watchOf,
    results: memory.results,
    runtime
  })

  function publishSnapshot(
    part: Parameters<Publisher['publish']>[0] & { readonly snapshot: Snapshot }
  ): void {
    publisher.publish(part)
    setSeats()
  }

  function setSeats(): void {
    setSeatLimits(memory, supervisor.snapshot(), supervisor, held)
  }

  const takeover = createTakeoverEnds({
    ...context,
    ...{ predecessor, held, changes, members, apply, overlayFile },
    stateDirectory: () => settings.state.directory,
    pools: () => poolsIn(supervisor.snapshot()),
    isRaw: master => isLedTo(master, settings.listen.tcp)
  })

  const watch = createFileWatch(() => {
    // As every reload: before the files are judged, and however that ends.
    options.logOutput.reopen()
    void reload.afterChange()
  }, runtime)
  const watchFiles = (files: readonly string[]) => watch.set(settings.reload === 'watch' ? files : [])
  let remarks: () => readonly string[] = () => []
  const reload = createReload({
    changes,
    first: config,
    load: options.load,
    runtime,
    log,
    events,
    watchFiles,
    concerns: () => [
      ...idlePools(supervisor.snapshot()).map(whose => `${whose} can serve now`),
      ...remarks(),
      ...sources.unknown().map(({ name, cause }) => `nothing is known of ${name} yet: ${cause}`),
      ...describeOverlay(members.current()),
      ...[overlayFile.problem() ?? []].flat()
    ],
    async prepare(next) {
      nextSettings = next.settings
      try {
        return await prepareReload(next.settings)
      } catch (error) {
        // Who joins meanwhile, as DNS says, goes by those in force.
        nextSettings = settings
        throw error
      }
    }
  })

  async function prepareReload(next: Settings): Promise<PreparedReload> {
    const ready = await prepareSettings(next, { ...options, revocations, sources, members })
    return {
      changed: ready.changed,
      async commit() {
        settings = next
        log.level = settings.log.level
        ready.commit()
        remarks = ready.remarks
        await apply(ready.change, () => ({ settings, revoked: revocations.revoked() }))
        void certificates.reconsider()
      }
    }
  }

  async function start(): Promise<number> {
    // A file that changes while masters are probed must not be missed.
    watchFiles(reload.config().files)
    await sources.settled(START_LOOKUP_TIMEOUT_MS)
    const { masters: named, ca: namedCa } = sources.named()
    members.begin({ masters: named, ca: namedCa })
    phase = 'starting'
    // The pools have the numbers of their queues from here on.
    supervisor.compose()
    await takeover.begin()
    const { masters, ca } = roster.current()
    const probed = supervisor.watch([...masters.filter(({ mode }) => mode !== 'maint'), ca])
    await Promise.all([probed, revocations.begin()])
    const awaited = revocations.awaited()
    if (predecessor && awaited)
      throw new Error(`the CA gives no revocation list, so nobody is taken over: ${awaited}`)
    supervisor.open()
    supervisor.refresh()
    const visit = certificates.visitCa()
    await assertFree(config.boot.listen, predecessor?.state.listen)
    const port = await planes.start()
    ownPlaces.listening(port, planes.tcpPorts())
    await visit
    seating.start()
    drains.start()
    outliers.start()
    capacity.start()
    certificates.watch()
    phase = 'started'
    return port
  }

  return {
    memory,
    roster,
    supervisor,
    sources,
    members,
    drains,
    planes,
    agents: context.agents,
    reload,
    operate,
    revocations,
    probeFailures: context.probeFailures,
    ejections: context.ejections,
    code,
    capacity,
    takeover,
    certificates,
    start: () => changes.run(start),
    async stop() {
      for (const each of [watch, sources, seating, drains, outliers, capacity, takeover]) each.stop()
      supervisor.stop()
      await certificates.stop()
      dns.cancel()
      await planes.terminate()
    }
  }
}
