/** What the catalog of a master said of its code. */
export interface CodeSighting {
  readonly masterId: number
  readonly environment: string
  /** null: it does not say. */
  readonly version: string | null
  /** When the catalog was asked for, by `Runtime.now`. */
  readonly askedAtMs: number
}

/** The code of one environment as `/api/status` shows it. The field names are part of the contract. */
export interface CodeStatus {
  readonly environment: string
  /** Different versions that masters serve at the same time; 0 while none is known. */
  readonly versions: number
  /** Since when masters serve different ones, ISO 8601; null while they do not. */
  readonly differsSince: string | null
  /** What each master was seen to serve. One whose JRubies differ stands here more than once. */
  readonly masters: readonly {
    readonly name: string
    /** null: its catalogs do not say. */
    readonly version: string | null
    /** When the first catalog of this version was asked for, and the last one that was looked at, ISO 8601. */
    readonly since: string
    readonly seen: string
  }[]
}

/** Whether one master has forgotten what it had kept of an environment. */
export interface FlushResult {
  readonly name: string
  readonly done: boolean
  /** Why not, a clause about the master; else null. */
  readonly cause: string | null
}

/** What a flush of environment caches came to. */
export interface FlushReport {
  /** null: of all environments. */
  readonly environment: string | null
  /** All masters did it. */
  readonly done: boolean
  readonly masters: readonly FlushResult[]
}

/** Has all masters forget what they keep of an environment, or of all. `asker`: how it was asked for, for the log. Never rejects. */
export type Flush = (environment: string | undefined, asker: string) => Promise<FlushReport>
