import type { Logger } from 'pino'
import { startWaitingAdmin, type WaitingAdmin } from '../admin/waiting.ts'
import type { EnrolmentConfig } from '../config/load-enrolment.ts'
import { CaAwayError } from '../control/certificates/ca-client.ts'
import { enrol } from '../control/certificates/enrolment.ts'
import { createOwnFiles } from '../control/certificates/own-files.ts'
import type { Runtime } from '../model/runtime.ts'
import { stayAlive } from './terminal.ts'

/** How long after a CA that is away is asked again: it may just be starting, as all of a site after a power cut. */
const AGAIN_MS = 10_000

/**
 * Gets a balancer that is about to serve its certificate; at once, and asking nobody, when all is there. Waits for the CA
 * and for the signature as long as it takes, until `signal`. Rejects with an EnrolmentError.
 */
export async function enrolFirst(
  { enroll, reach, admin, bringsLists }: EnrolmentConfig,
  { log, runtime, signal }: { readonly log: Logger; readonly runtime: Runtime; readonly signal: AbortSignal }
): Promise<void> {
  const task = { settings: enroll, reach, files: createOwnFiles(enroll.directory) }
  let told = `the certificate of ${enroll.name}`
  // Where all is there nothing is said, and nobody has to be told to wait.
  let listener: Promise<WaitingAdmin> | undefined
  const tell = (sentence: string) => {
    told = sentence
    listener ??= startWaitingAdmin(admin, () => `enrolling: ${told}`)
  }
  const say = (sentence: string) => {
    tell(sentence)
    log.info(sentence)
  }
  const release = stayAlive()
  try {
    while (!signal.aborted) {
      try {
        await enrol(task, { runtime, signal, waitMs: Number.POSITIVE_INFINITY, say }, { bringsLists })
        return
      } catch (error) {
        if (!(error instanceof CaAwayError)) throw error
        if (error.message !== told) log.warn(`${error.message}; it is asked again until it answers`)
        tell(error.message)
        await new Promise<void>(resolve => void runtime.schedule(AGAIN_MS, resolve))
      }
    }
  } finally {
    await (await listener)?.close()
    release()
  }
}
