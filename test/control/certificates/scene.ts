import type { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CaAwayError } from '../../../src/control/certificates/ca-client.ts'
import { enrol } from '../../../src/control/certificates/enrolment.ts'
import { EnrolmentError } from '../../../src/control/certificates/enrolment-error.ts'
import type { EnrolmentTask } from '../../../src/control/certificates/enrolment-task.ts'
import { createOwnFiles } from '../../../src/control/certificates/own-files.ts'
import type { EnrollSettings } from '../../../src/model/enrolment.ts'
import { type Runtime, systemRuntime } from '../../../src/model/runtime.ts'
import { certificatesOf } from '../../../src/pki/authorities.ts'
import { type CaRules, createCaRegistry } from '../../../src/simulation/ca-registry.ts'
import { type Authority, createAuthority } from '../../../src/simulation/certificates.ts'
import { startSimulatedMaster } from '../../../src/simulation/simulated-master.ts'

interface Test {
  readonly teardown: (task: () => unknown) => void
}

export const certname = 'lb.example.com'

/** A CA of a test's own, and a balancer that is to enrol there. */
export async function startCa(t: Test, rules: CaRules = {}, authority?: Authority) {
  const issuer = authority ?? (await createAuthority())
  const registry = createCaRegistry(issuer, { altNames: true, ...rules })
  const server = await issuer.issue({ certname: 'puppetca', altNames: ['127.0.0.1'] })
  const master = await startSimulatedMaster({
    name: 'ca',
    ca: registry,
    tls: { cert: server.chain, key: server.key }
  })
  t.teardown(master.close)
  const root = certificatesOf(issuer.bundle).at(-1) as X509Certificate
  return { authority: issuer, registry, master, fingerprint: root.fingerprint256 }
}

/** A directory that is gone with the test; its modes can be tried, which those of tap cannot. */
export function ownDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'puppet-lb-enrol-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Time that does not pass by itself: a pause is over at once. */
export function impatient(): Runtime {
  return {
    ...systemRuntime,
    schedule: (_delayMs, task) => {
      const timer = setImmediate(task)
      return () => clearImmediate(timer)
    }
  }
}

/** Enrols once, and says how it ended and what was said. */
export async function tryToEnrol(
  url: string,
  settings: Partial<EnrollSettings> & Pick<EnrollSettings, 'directory'>,
  {
    renew = false,
    bringsLists = true,
    waitMs = 0,
    heard = () => {}
  }: { renew?: boolean; bringsLists?: boolean; waitMs?: number; heard?: (sentence: string) => void } = {}
) {
  const task: EnrolmentTask = {
    settings: { name: certname, altNames: [], caFingerprint: undefined, keyType: 'ecdsa', ...settings },
    reach: { url, ca: undefined, verify: true },
    files: createOwnFiles(settings.directory)
  }
  const said: string[] = []
  const say = (sentence: string) => {
    said.push(sentence)
    heard(sentence)
  }
  try {
    const certificate = await enrol(task, { runtime: impatient(), waitMs, say }, { renew, bringsLists })
    return { certificate, said, problem: '', kind: undefined }
  } catch (error) {
    if (!(error instanceof EnrolmentError || error instanceof CaAwayError)) throw error
    const kind = error instanceof EnrolmentError ? error.kind : 'away'
    return { certificate: undefined, said, problem: error.message, kind }
  }
}

/** A file of the directory. */
export const textOf = (directory: string, name: string): Promise<string> =>
  readFile(join(directory, name), 'utf8')
