import type { Runtime } from '../model/runtime.ts'
import { createCaService } from './ca-service.ts'
import { catalogServices } from './catalog-service.ts'
import { createFileService } from './file-service.ts'
import { createFilebucket } from './filebucket-service.ts'
import type { JrubyPool } from './jruby-pool.ts'
import type { SimulatedMasterOptions } from './master-options.ts'
import type { MasterServices } from './master-routes.ts'
import { createStatusService, type ServiceState } from './status-service.ts'

/** What changes in the life of a simulated master. */
export interface MasterState {
  codeVersion: string
  serviceState: ServiceState
  /** The interpreters of the process that runs now. */
  pool: JrubyPool
  /** When that process started, on the runtime's clock. */
  startedAtMs: number
}

/** Everything a simulated master serves, as its options say. */
export function createMasterServices(
  options: SimulatedMasterOptions,
  state: MasterState,
  { now, wallClock }: Runtime
): MasterServices {
  const { version = defaultVersion, autosign = true } = options
  const codeVersion = () => state.codeVersion
  const ca = options.ca && createCaService(options.ca, { autosign, wallClock })
  const files = createFileService({
    fileBytes: options.fileBytes ?? 2048,
    plugins: options.plugins ?? 3,
    codeVersion
  })
  const { files: fileCount = 3, catalogPadding: padding = 0 } = options
  const catalog = catalogServices({ files: fileCount, padding, codeVersion, wallClock }, files)
  return {
    puppet: { ...catalog, ...files.services, file_bucket_file: createFilebucket() },
    status: createStatusService({
      version,
      isCa: ca !== undefined,
      state: () => state.serviceState,
      pool: () => state.pool,
      wallClock,
      upMs: () => now() - state.startedAtMs
    }),
    ca
  }
}

/** The Puppet Server that a simulated master claims to be unless told otherwise. */
export const defaultVersion = '8.7.0'
