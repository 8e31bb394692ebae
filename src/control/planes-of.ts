import type { Agents } from './agents/agents.ts'
import type { ControlPlaneOptions } from './control-plane-options.ts'
import { createPlanes, type Planes, type PlanesOptions } from './planes.ts'
import type { Publisher } from './publisher.ts'
import type { MasterContext } from './supervise-masters.ts'
import type { Supervisor } from './supervisor.ts'

type Context = ControlPlaneOptions & MasterContext & { readonly agents: Agents }

/** The data planes of a control plane: composition, no rules. */
export function planesOf(
  {
    config,
    memory,
    log,
    logOutput,
    events,
    runtime,
    descriptors,
    entry,
    startHere,
    ownFaults,
    agents
  }: Context,
  publisher: Publisher,
  supervisor: Supervisor,
  told: Pick<PlanesOptions, 'onCaDocumentRead' | 'onCode'>
): Planes {
  return createPlanes({
    boot: config.boot,
    memory: memory.buffers,
    descriptors,
    log,
    events,
    runtime,
    entry,
    takeLog: logOutput.take,
    startHere,
    current: publisher.current,
    onOutcome(outcome) {
      if (outcome.result === 'own-fault') ownFaults.tell(outcome.cause, 'a connection to a master')
      else supervisor.report(outcome)
    },
    ...told,
    onRuns: agents.take,
    onDeath: memory.removeWorker
  })
}
