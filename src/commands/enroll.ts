import { resolve } from 'node:path'
import { loadEnrolment } from '../config/load-enrolment.ts'
import { CaAwayError } from '../control/certificates/ca-client.ts'
import { enrol } from '../control/certificates/enrolment.ts'
import { EnrolmentError } from '../control/certificates/enrolment-error.ts'
import type { EnrolmentTask } from '../control/certificates/enrolment-task.ts'
import { createOwnFiles } from '../control/certificates/own-files.ts'
import type { OwnKeyType } from '../model/enrolment.ts'
import { systemRuntime } from '../model/runtime.ts'
import { stayAlive, type Terminal } from './terminal.ts'

/** Whom to ask for which certificate, and where to keep it. */
export interface EnrollFlags {
  readonly caUrl: string
  readonly name: string
  readonly altName?: readonly string[] | undefined
  readonly dir: string
  readonly caFingerprint?: string | undefined
  readonly keyType?: OwnKeyType | undefined
}

/** How it is gone about. */
export interface EnrollManner {
  readonly waitMs: number
  /** Gets a new certificate in place of one that is good. */
  readonly renew?: boolean | undefined
}

/**
 * Gets a certificate of the Puppet CA, with all that `serve` needs beside it, as a configuration file or flags say. Exit
 * code: 0 when all is there, 1 when what was given is wrong, 2 when it could not be done, such as when nobody has signed
 * it in time. Throws a ConfigError.
 */
export async function enroll(
  how: EnrollFlags | { readonly config: string },
  { waitMs, renew = false }: EnrollManner,
  io: Terminal
): Promise<number> {
  const runtime = { ...systemRuntime, ...io.runtime }
  const job = 'config' in how ? jobOfFile(how.config, io.env) : { task: taskOfFlags(how), bringsLists: true }
  if (!job) {
    io.err('puppet-lb: this configuration has no group enroll, so it does not say what to ask for\n')
    return 1
  }
  const say = (sentence: string) => void io.err(`puppet-lb: ${sentence}\n`)
  const release = stayAlive()
  try {
    const { task, bringsLists } = job
    const { validToDate } = await enrol(task, { runtime, waitMs, say }, { renew, bringsLists })
    const { settings, files } = task
    const kept = bringsLists ? 'cert.pem, key.pem, ca.pem and crl.pem' : 'cert.pem, key.pem and ca.pem'
    io.out(
      `${settings.name} is enrolled: ${files.directory} has ${kept}; ` +
        `the certificate is valid until ${validToDate.toISOString()}\n`
    )
    return 0
  } catch (error) {
    if (!(error instanceof EnrolmentError || error instanceof CaAwayError)) throw error
    say(error.message)
    return error instanceof EnrolmentError && error.kind === 'input' ? 1 : 2
  } finally {
    release()
  }
}

function taskOfFlags({
  caUrl,
  name,
  altName = [],
  dir,
  caFingerprint,
  keyType = 'ecdsa'
}: EnrollFlags): EnrolmentTask {
  const directory = resolve(dir)
  return {
    settings: { name, altNames: altName, caFingerprint, keyType, directory },
    reach: { url: caUrl, ca: undefined, verify: true },
    files: createOwnFiles(directory)
  }
}

function jobOfFile(
  file: string,
  env: NodeJS.ProcessEnv
): { readonly task: EnrolmentTask; readonly bringsLists: boolean } | undefined {
  const found = loadEnrolment(file, env)
  if (!found) return undefined
  const { enroll: settings, reach, bringsLists } = found
  return { task: { settings, reach, files: createOwnFiles(settings.directory) }, bringsLists }
}
