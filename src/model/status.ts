import type { PoolCapacity } from './capacity.ts'
import type { CodeStatus } from './code.ts'
import type { DescriptorBudget } from './descriptors.ts'
import type { OwnState } from './enrolment.ts'
import { type MasterState, type MemberSource, masterModes } from './master.ts'
import type { OperatorMode } from './operation.ts'
import type { MasterWork, Refused } from './overview.ts'
import type { WhenExpired } from './settings.ts'

/** How a mode is shown: a draining master that has nothing left is `drained`. */
export const shownModes = [...masterModes, 'drained'] as const
export type ShownMode = (typeof shownModes)[number]

/** One master as `/api/masters` and `status` show it. The field names are part of the contract. */
export interface MasterStatus {
  readonly name: string
  readonly url: string
  readonly pools: readonly string[]
  /** Where its membership comes from. */
  readonly source: MemberSource
  readonly state: MasterState
  readonly mode: ShownMode
  /** In force. */
  readonly weight: number
  /** What its source says; another one than `weight` while an operator's is in force. */
  readonly configuredWeight: number
  readonly priority: number
  readonly capacity: number
  readonly inFlight: number
  /** Why it is not up; null while it is. */
  readonly cause: string | null
}

/** The state of a whole balancer as `/api/status` shows it. The field names are part of the contract. */
export interface Status {
  readonly version: string
  readonly ready: boolean
  readonly masters: readonly MasterStatus[]
  readonly ca: { readonly url: string; readonly state: MasterState; readonly cause: string | null }
  /** Requests that wait for a JRuby. */
  readonly queue: { readonly light: number; readonly report: number; readonly catalog: number }
  /** Left out where all masters are in the default pool. */
  readonly pools?: readonly PoolStatus[]
  readonly certificates: readonly {
    readonly role: string
    /** ISO 8601. */
    readonly notAfter: string
    readonly source: string
    /** Its renewal stands beside it: its end changes nothing. Left out for any other. */
    readonly renewed?: true
  }[]
  /** How it stands with the certificate that agents see: why, and what to do, is null while it is `good`. */
  readonly ownCertificate: { readonly state: OwnState; readonly cause: string | null }
  /** null without revocation lists. Dates are ISO 8601. */
  readonly crl: {
    readonly entries: number
    readonly thisUpdate: string
    readonly nextUpdate: string | null
    readonly number: string | null
    /** Where they came from: a file, a URL of the CA, or both. */
    readonly source: string
    /** When the CA last gave its lists, or said that it has no others, ISO 8601; null when it has not, or is not asked. */
    readonly fetchedAt: string | null
    /** Why the last question to the CA came to nothing; null when it did not. */
    readonly problem: string | null
    /** What a list past its nextUpdate leads to: `keep` goes by it, `refuse` refuses the agents of its CA; null in time. */
    readonly late: WhenExpired | null
  } | null
  readonly reload: ReloadStatus
  /** What masters serve for each environment, as catalogs show that pass. */
  readonly code: readonly CodeStatus[]
  /** Of the pools that requests are given to. */
  readonly capacity: readonly PoolCapacity[]
  /** What file descriptors of the process are for; `granted` is null where the system sets no limit. */
  readonly descriptors: Omit<DescriptorBudget, 'granted'> & { readonly granted: number | null }
  /** What keeps the log from being written, or its file from being opened anew, now; lines that were lost. */
  readonly log: { readonly fault: string | null; readonly linesLost: number }
  /** What operators said of names that are no masters now; it counts again when one of that name comes. */
  readonly kept: readonly KeptOverride[]
}

/** What `/api/status` tells: the state of a balancer, what each of its masters does, in the same order, and what is refused. */
export interface StatusReport extends Status {
  readonly work: readonly MasterWork[]
  readonly refused: Refused
}

/** One pool as `/api/status` shows it. */
export interface PoolStatus {
  readonly name: string
  /** Its members that are up. */
  readonly up: number
  readonly queue: Status['queue']
}

/** What is kept of an operator's word. */
export interface KeptOverride {
  readonly name: string
  /** null: nothing was said of it. */
  readonly mode: OperatorMode | 'active' | null
  readonly weight: number | 'default' | null
}

/** How the last reload ended; the start counts as one. */
export interface ReloadStatus {
  /** ISO 8601. */
  readonly at: string
  readonly ok: boolean
  /** One line each, as `check` prints them. */
  readonly problems: readonly string[]
  /** Keys that differ from what the process started with and cannot change while it lives. */
  readonly needsRestart: readonly string[]
}

/** What a reload came to, for who asked for it. */
export interface ReloadReport extends ReloadStatus {
  readonly changed: readonly SettingChange[]
  /** What is in force now and worth a second look, one sentence each. */
  readonly warnings: readonly string[]
}

/** One key with its value before and after; null where it was not there. Secrets are never shown. */
export interface SettingChange {
  readonly key: string
  readonly from: string | null
  readonly to: string | null
}
