import { systemRuntime } from '../model/runtime.ts'
import { createCaRegistry } from './ca-registry.ts'
import { createCaService } from './ca-service.ts'
import { catalogServices, environmentsService } from './catalog-service.ts'
import { createFileServices } from './file-service.ts'
import { createFilebucket } from './filebucket-service.ts'
import type { JrubyPool } from './jruby-pool.ts'
import type { SimulatedMasterOptions } from './master-options.ts'
import type { MasterServices } from './master-routes.ts'
import { createStatusService } from './status-service.ts'

/** The process of a simulated master that runs now; a restart makes another one. */
export interface MasterProcess {
  readonly pool: JrubyPool
  /** When it started, on the system's clock. */
  readonly startedAtMs: number
}

/** Everything a simulated master serves, as its options say. */
export function createMasterServices(
  { ca, codeVersion = '1', fileBytes, version, environments = ['production'] }: SimulatedMasterOptions,
  process: () => MasterProcess
): MasterServices {
  const { now, wallClock } = systemRuntime
  return {
    puppet: {
      ...catalogServices({ codeVersion, wallClock }),
      ...createFileServices(codeVersion, fileBytes),
      file_bucket_file: createFilebucket()
    },
    environments: environmentsService(environments),
    status: createStatusService({
      version,
      isCa: ca !== undefined,
      pool: () => process().pool,
      wallClock,
      upMs: () => now() - process().startedAtMs
    }),
    ca: ca && createCaService('submit' in ca ? ca : createCaRegistry(ca))
  }
}
