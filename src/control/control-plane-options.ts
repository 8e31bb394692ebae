import type { MessagePort } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { EventLog } from '../model/event.ts'
import type { PlaneStart } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Config } from '../model/settings.ts'
import type { LogOutput } from '../telemetry/log-output.ts'
import type { AskDns } from './sources/resolver.ts'
import type { Predecessor } from './takeover/predecessor.ts'

/** What a control plane is made of. */
export interface ControlPlaneOptions {
  readonly config: Config
  /** Reads the configuration again. Throws a ConfigError. */
  readonly load: () => Config
  readonly runtime: Runtime
  readonly log: Logger
  readonly logOutput: LogOutput
  readonly events: EventLog
  /** File descriptors that the system grants; Infinity where that cannot be known. */
  readonly descriptors: number
  /** Default: real name servers, and the system. */
  readonly dns?: AskDns | undefined
  /** The process that this one takes over from. Default: none. */
  readonly predecessor?: Predecessor | undefined
  /** The worker thread's module. */
  readonly entry: URL
  /** Starts a data plane in this thread, for `workers: 0`. */
  readonly startHere: (
    start: PlaneStart,
    port: MessagePort
  ) => Promise<{ readonly stop: () => Promise<void> }>
}
