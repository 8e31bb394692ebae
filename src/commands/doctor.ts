import { accessSync, constants } from 'node:fs'
import { type Environment, isEnough } from '../config/environment.ts'
import { grantedDescriptors } from '../config/granted-descriptors.ts'
import { loadConfig } from '../config/load.ts'
import { loadEnrolment } from '../config/load-enrolment.ts'
import { ConfigError } from '../config/problems.ts'
import { readMachine } from '../doctor/asking/machine.ts'
import { readOwnLists } from '../doctor/asking/own-lists.ts'
import { readOwnList, readServerFiles, type ServerPlaces } from '../doctor/asking/server-files.ts'
import { askSite } from '../doctor/asking/site.ts'
import { usualNamesHere } from '../doctor/asking/usual-name.ts'
import { checkProblems } from '../doctor/checks/configuration.ts'
import { diagnose } from '../doctor/diagnose.ts'
import type { RunningFacts } from '../doctor/facts.ts'
import { diagnosisOf, type Finding } from '../doctor/finding.ts'
import type { Enrolled } from '../doctor/new-certificate.ts'
import type { AskedName } from '../model/asked-name.ts'
import { systemRuntime } from '../model/runtime.ts'
import type { AdminBoot, Config } from '../model/settings.ts'
import type { Status } from '../model/status.ts'
import { addressOf } from './admin-address.ts'
import { askAdmin } from './admin-client.ts'
import { describeDiagnosis } from './doctor-text.ts'
import { stayAlive, type Terminal } from './terminal.ts'

export interface DoctorOptions extends ServerPlaces {
  readonly config: string
  readonly json?: boolean
}

/**
 * Looks for what is wrong with a site: configuration, masters, CA, this machine, and a balancer that runs, if any.
 * Changes nothing. Resolves with the exit code: 0 nothing but notes, 1 faults. Rejects when it cannot look.
 */
export async function doctor(options: DoctorOptions, io: Terminal): Promise<number> {
  const letEnd = stayAlive()
  try {
    const findings = await examine(options, io)
    const diagnosis = diagnosisOf(findings)
    io.out(`${options.json ? JSON.stringify(diagnosis, null, 2) : describeDiagnosis(diagnosis)}\n`)
    return diagnosis.ok ? 0 : 1
  } finally {
    letEnd()
  }
}

async function examine(options: DoctorOptions, io: Terminal): Promise<readonly Finding[]> {
  const runtime = { ...systemRuntime, ...io.runtime }
  assertReadable(options.config, io.env)
  const ownList = readOwnList(options)
  let config: Config
  try {
    config = loadConfig(options.config, io.env, { wallClock: runtime.wallClock, lists: 'later' })
  } catch (error) {
    if (error instanceof ConfigError)
      return checkProblems(error, options.config, enrolledOf(options.config, io.env))
    throw error
  }
  const [site, running, usualNames] = await Promise.all([
    askSite(config, { runtime }),
    askRunning(config.boot.admin),
    usualNamesHere(runtime)
  ])
  const { crl, ca } = config.settings.tls
  const nowMs = runtime.wallClock()
  return diagnose({
    ...{ config, site, running, usualNames, ownList, nowMs },
    ownLists: crl ? readOwnLists(crl, ca, nowMs) : { files: [], isKept: undefined },
    machine: readMachine(),
    granted: grantedDescriptors(),
    serverFiles: readServerFiles(options)
  })
}

/** How the certificate comes here, of a configuration in which nothing but that is wrong. */
function enrolledOf(config: string, env: Environment): Enrolled | undefined {
  try {
    const found = loadEnrolment(config, env)
    return found && { enroll: found.enroll, config }
  } catch (error) {
    if (error instanceof ConfigError) return undefined
    throw error
  }
}

/** What is not there is no fault of a site: nobody could look. An environment that says enough needs no file. */
function assertReadable(file: string, env: Environment): void {
  try {
    accessSync(file, constants.R_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && isEnough(env)) return
    throw new Error(`${file} cannot be read (${code})`, { cause: error })
  }
}

/** `undefined`: none runs, or it cannot be asked from here, or it is of another version. */
async function askRunning(admin: AdminBoot): Promise<RunningFacts | undefined> {
  const address = addressOf(admin)
  try {
    const status = (await askAdmin(address, { path: '/api/status' })).json() as Status
    const names = (await askAdmin(address, { path: '/api/names' })).json() as readonly AskedName[]
    const { reload, masters, descriptors, code, ownCertificate, crl } = status
    return {
      ...{ reload, masters, names, code, ownCertificate, crl },
      descriptors: { ...descriptors, granted: descriptors.granted ?? Number.POSITIVE_INFINITY }
    }
  } catch {
    return undefined
  }
}
