import { openingLogFile } from '../config/log-file.ts'
import { ConfigError } from '../config/problems.ts'
import type { Settings } from '../model/settings.ts'
import type { LogOutput } from '../telemetry/log-output.ts'
import type { JoinedMembers, PreparedMembers } from './joined-members.ts'
import type { createRevocationWatch } from './revocation/watch.ts'
import type { Sources } from './sources/sources.ts'

/** Who is not found by then is no hindrance to those who are: a reload goes on without. */
const LOOKUP_TIMEOUT_MS = 5_000

type Revocations = Pick<ReturnType<typeof createRevocationWatch>, 'prepare' | 'adopt'>

/** Other settings, made ready: nothing has changed yet. */
export interface PreparedSettings {
  /** What has changed beside the keys, as a reload tells it. */
  readonly changed: Awaited<ReturnType<Revocations['prepare']>>['changed']
  /** What it does beside that, one sentence each. */
  readonly remarks: () => readonly string[]
  /** Of members; to be put in force last. */
  readonly change: PreparedMembers
  readonly commit: () => void
}

/** Reads the revocation lists, opens the log file, looks names up and probes who joins. Rejects with what is wrong: with the log file and the lists at once. */
export async function prepareSettings(
  next: Settings,
  {
    revocations,
    logOutput,
    sources,
    members
  }: {
    readonly revocations: Revocations
    readonly logOutput: Pick<LogOutput, 'prepare'>
    readonly sources: Pick<Sources, 'prepare'>
    readonly members: Pick<JoinedMembers, 'prepare'>
  }
): Promise<PreparedSettings> {
  const output = attempt(() => openingLogFile(next.log.file, () => logOutput.prepare(next.log.file?.path)))
  const found = await sources.prepare(next, LOOKUP_TIMEOUT_MS)
  const { masters, ca, remarks } = found.named
  const give = (error: unknown): never => {
    output.value?.cancel()
    found.cancel()
    throw error
  }
  const lists = await revocations
    .prepare(next.tls, { ca, upstream: next.upstream })
    .catch(error => give(both(output.error, error)))
  if (!output.value) give(output.error)
  const change = await members.prepare({ masters, ca }).catch(give)
  return {
    changed: lists.changed,
    remarks: () => [...change.remarks(), ...remarks],
    change,
    commit() {
      output.value?.commit()
      revocations.adopt(lists)
      found.commit()
    }
  }
}

interface Attempt<Result> {
  readonly value?: Result
  readonly error?: unknown
}

function attempt<Result>(work: () => Result): Attempt<Result> {
  try {
    return { value: work() }
  } catch (error) {
    return { error }
  }
}

/** One error that tells what is wrong with either, where both are about the configuration. */
function both(first: unknown, second: unknown): unknown {
  if (!(first instanceof ConfigError && second instanceof ConfigError)) return second
  return new ConfigError([...second.problems, ...first.problems])
}
