import type { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type EnrollSettings, enrolledFiles, type OwnStanding } from '../../model/enrolment.ts'
import type { EventLog } from '../../model/event.ts'
import type { RevokedSet } from '../../model/messages.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Settings } from '../../model/settings.ts'
import { certificatesOf } from '../../pki/authorities.ts'
import { importKeyPair } from '../../pki/key-pair.ts'
import { certificateProblem, chainOf, hasKey, leafOf } from '../../pki/server-certificate.ts'
import { publicKeyOf } from '../../pki/signing-request.ts'
import { mayFollow } from '../../pki/vouching.ts'
import { CaAwayError, type CaReach, createCaClient } from './ca-client.ts'
import { certInPlace } from './cert-in-place.ts'
import { renewalDueMs } from './due.ts'
import { EnrolmentError } from './enrolment-error.ts'
import { type EnrolmentTask, verifiedReach } from './enrolment-task.ts'
import { createOwnFiles } from './own-files.ts'
import { type OldCertificate, renew, whyNoBetter } from './renewal.ts'
import { type AtCa, standingOf } from './standing.ts'

/** How often the CA is asked what it has of us; more often while a person is to sign. */
const LOOK_MS = 10 * 60_000
const HINDERED_LOOK_MS = 60_000
const SPREAD = 0.1
/** What is not mended is told again. */
const AGAIN_MS = 24 * 60 * 60_000

/** Looks after the certificate that agents see. */
export interface OwnCertificate {
  readonly standing: () => OwnStanding
  /** Tells what has changed: after new revocation lists or other settings. */
  readonly review: () => void
  readonly start: () => void
  readonly stop: () => void
}

/**
 * Renews an enrolled certificate in time, and tells when one of ours is revoked, expired, or no more what the CA has.
 * `renewed` is called when a new one lies in its file; nothing but that file is touched.
 */
export function createOwnCertificate(options: {
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
  readonly settings: () => Settings
  readonly revoked: () => RevokedSet
  /** Where the CA is by now. */
  readonly caAddresses: () => readonly string[]
  readonly renewed: () => void
}): OwnCertificate {
  const { runtime, log, events, settings, revoked } = options
  const dice = runtime.random()
  let atCa: AtCa = 'unknown'
  let hindrance: string | undefined
  /** A CA that gave a worse one is not made to sign one a minute. */
  let notBeforeMs = 0
  let told: { readonly standing: OwnStanding; readonly atMs: number } | undefined
  let isStopped = false
  let cancel = () => {}

  const standing = () =>
    standingOf({ settings: settings(), revoked: revoked(), atCa, hindrance, nowMs: runtime.wallClock() })

  function review(): void {
    const next = standing()
    const { state, cause } = next
    const before = told?.standing ?? { state: 'good', cause: undefined }
    const isSame = before.state === state && before.cause === cause
    if (isSame && (state === 'good' || runtime.now() - (told?.atMs ?? 0) < AGAIN_MS)) return
    told = { standing: next, atMs: runtime.now() }
    const text = cause ?? 'the certificate that agents see is good again'
    if (state === 'good') log.info(text)
    else log[state === 'renewal-due' ? 'warn' : 'error']({ state }, text)
    if (!isSame) events.add({ kind: 'certificate', text })
  }

  /** Asks the CA, and renews what is due. */
  async function look(): Promise<void> {
    const found = enrolledIn(settings(), options.caAddresses)
    if (!found) {
      atCa = 'unknown'
      hindrance = undefined
      return
    }
    const { task, old } = found
    const isDue = runtime.wallClock() >= renewalDueMs(old.leaf, dice)
    try {
      const [cert, key] = await Promise.all([task.files.read('cert'), task.files.read('key')])
      const inPlace = certInPlace({ cert, key }, old, runtime.wallClock())
      if (inPlace.is === 'newer') {
        options.renewed()
        return
      }
      if (inPlace.is === 'damaged') await putBack(task, old)
      if (!isDue) hindrance = inPlace.is === 'unusable' ? notTaken(task, old, inPlace.problem) : undefined
      const next = (await atCaOf(task, old)) ?? (isDue ? await renewal(task, old) : undefined)
      if (next) await take(task, old, next)
      await followBundle(task, old)
    } catch (error) {
      if (!(error instanceof CaAwayError || error instanceof EnrolmentError)) throw error
      if (isDue)
        hindrance = `the certificate of ${task.settings.name} ends on ${old.leaf.validToDate.toISOString()} and is not renewed yet: ${error.message}`
    }
  }

  /** What the CA has under our name; a newer one of ours is taken: it was renewed, and the answer got lost. */
  async function atCaOf(task: EnrolmentTask, old: OldCertificate): Promise<X509Certificate | undefined> {
    const client = createCaClient(verifiedReach(task, old.bundle))
    const { status, text } = await client.get('certificate', task.settings.name)
    if (status === 404) atCa = 'nothing'
    if (status !== 200) return undefined
    const leaf = leafOf(text)
    if (!leaf) return undefined
    const publicKey = publicKeyOf(old.keys)
    atCa = hasKey(leaf, publicKey) ? 'ours' : 'another'
    const expected = { name: task.settings.name, publicKey, authorities: certificatesOf(old.bundle) }
    const isGood = certificateProblem(leaf, { ...expected, nowMs: runtime.wallClock() }) === undefined
    return isGood && whyNoBetter(leaf, old.leaf, task.settings) === undefined ? leaf : undefined
  }

  async function renewal(task: EnrolmentTask, old: OldCertificate): Promise<X509Certificate | undefined> {
    // Whoever revoked it, or gave the name away, has the say.
    if (atCa === 'another' || standing().state === 'revoked') return undefined
    if (runtime.now() < notBeforeMs) return undefined
    const outcome = await renew(task, old, runtime.wallClock())
    if (outcome.result === 'hindered') {
      hindrance = outcome.hindrance
      return undefined
    }
    const problem = whyNoBetter(outcome.certificate, old.leaf, task.settings)
    if (problem === undefined) return outcome.certificate
    notBeforeMs = runtime.now() + AGAIN_MS
    hindrance =
      `the certificate of ${task.settings.name} ends on ${old.leaf.validToDate.toISOString()}, and is not renewed: the next ` +
      `one that the CA at ${task.reach.url} gives ${problem}. puppet-lb enroll --renew takes it all the same`
    return undefined
  }

  async function take(task: EnrolmentTask, old: OldCertificate, next: X509Certificate): Promise<void> {
    await task.files.replace('cert', chainOf(next, certificatesOf(old.bundle)))
    hindrance = undefined
    atCa = 'ours'
    const text = `the certificate of ${task.settings.name} is renewed: the new one is valid until ${next.validToDate.toISOString()}`
    log.info({ file: task.files.pathOf('cert') }, text)
    events.add({ kind: 'certificate', text })
    options.renewed()
  }

  /** A CA that renewed its certificate says so nowhere else; agents get the new one in the same way. */
  async function followBundle(task: EnrolmentTask, old: OldCertificate): Promise<void> {
    const { status, text } = await createCaClient(verifiedReach(task, old.bundle)).get('certificate', 'ca')
    const file = (await task.files.read('ca')) ?? ''
    if (status !== 200 || text === file || !isHeir(file, text)) return
    await task.files.replace('ca', text)
    const sentence =
      'the CA has another certificate, signed by the one that is known, and agents with either are served'
    log.info({ file: task.files.pathOf('ca') }, sentence)
    events.add({ kind: 'certificate', text: sentence })
    options.renewed()
  }

  /** Puts the one in force back where its file is damaged: without it the next start would fail. */
  async function putBack({ files }: EnrolmentTask, { cert }: OldCertificate): Promise<void> {
    await files.replace('cert', cert)
    const text = `${files.pathOf('cert')} held no certificate that can be read: the one in force is there again`
    log.warn({ file: files.pathOf('cert') }, text)
    events.add({ kind: 'certificate', text })
  }

  async function round(): Promise<void> {
    await look().catch(err =>
      log.error({ err }, 'looking after the certificate failed in a way nobody foresaw')
    )
    if (isStopped) return
    review()
    const pauseMs = hindrance === undefined ? LOOK_MS : HINDERED_LOOK_MS
    cancel = runtime.schedule(pauseMs * (1 + SPREAD * (2 * runtime.random() - 1)), () => void round())
  }

  return {
    standing,
    review,
    start() {
      review()
      void round()
    },
    stop() {
      isStopped = true
      cancel()
    }
  }
}

/** The enrolled certificate that is in force; `undefined` when there is none, or others are named in its place. */
function enrolledIn(
  settings: Settings,
  caAddresses: () => readonly string[]
): { readonly task: EnrolmentTask; readonly old: OldCertificate } | undefined {
  const { enroll, ca, tls } = settings
  if (!enroll || !ca) return undefined
  const certFile = join(enroll.directory, enrolledFiles.cert)
  const found = tls.certificates.find(each => each.certFile === certFile)
  const leaf = found && leafOf(found.cert)
  if (!found || !leaf) return undefined
  return {
    task: taskOf(enroll, { url: ca.url, addresses: caAddresses }, settings),
    old: { cert: found.cert, leaf, keys: importKeyPair(found.key), bundle: tls.ca }
  }
}

/** What is told of a certificate in the file that no reload takes. */
function notTaken({ files }: EnrolmentTask, { leaf }: OldCertificate, problem: string): string {
  return (
    `${files.pathOf('cert')} holds a certificate that ${problem}. It is not taken: the one in force is valid until ` +
    `${leaf.validToDate.toISOString()}, and the next one takes its place there; until then a restart fails`
  )
}

function isHeir(file: string, text: string): boolean {
  try {
    return mayFollow(certificatesOf(file), certificatesOf(text))
  } catch {
    // What cannot be read follows nothing.
    return false
  }
}

/** The same task that the start had, as the settings in force have it. */
function taskOf(
  settings: EnrollSettings,
  ca: Pick<CaReach, 'url' | 'addresses'>,
  { upstream }: Settings
): EnrolmentTask {
  const { tls } = upstream
  const { client, serverName, verify } = tls
  return {
    settings,
    reach: { ...ca, ca: tls.ca, client, serverName, verify },
    files: createOwnFiles(settings.directory)
  }
}
