import type { X509Certificate } from 'node:crypto'
import type { EnrollSettings } from '../../model/enrolment.ts'
import {
  type CertificateExpectation,
  certificateProblem,
  hasKey,
  leafOf
} from '../../pki/server-certificate.ts'
import { namesOf, requestDigest, requestedKey } from '../../pki/signing-request.ts'
import { whereForbidden } from './anew.ts'
import { type CaAnswer, CaAwayError, type CaClient } from './ca-client.ts'
import { EnrolmentError } from './enrolment-error.ts'
import type { EnrolmentTools } from './enrolment-task.ts'
import { strangeAnswer } from './strange-answer.ts'

/** How often is looked: at first soon, for a CA that signs by itself, then as often as a person takes. */
const PACE = { firstMs: 1_000, lastMs: 30_000, growth: 1.5, spread: 0.2 } as const

/** What is asked for, and of whom. */
export interface SigningTask {
  readonly client: CaClient
  readonly settings: EnrollSettings
  /** PEM. */
  readonly signingRequest: string
  readonly expected: Omit<CertificateExpectation, 'nowMs'>
  /** The CA's, for sentences. */
  readonly url: string
  /** A certificate of ours that is known, by its serial number: another one is waited for. */
  readonly knownSerial?: string | undefined
}

/** How it stands with a request. */
export type SigningState =
  | { readonly state: 'signed'; readonly certificate: X509Certificate }
  /** It lies at the CA, PEM. `remark`: what the CA said when it came. */
  | { readonly state: 'waiting'; readonly request: string; readonly remark: string | undefined }
  /** The CA has a certificate of this name already and takes no other request; the words are the CA's. */
  | { readonly state: 'refused'; readonly remark: string }

/**
 * Looks once how it stands, and puts the request where it is not there: certificate, request, in this order, so it makes
 * no difference how often it is done. Rejects with an EnrolmentError when the CA has something of another key under this
 * name, and with a CaAwayError.
 */
export async function lookForSignature(task: SigningTask, nowMs: number): Promise<SigningState> {
  const { client, settings, knownSerial } = task
  const { name } = settings
  const certificate = await client.get('certificate', name)
  if (certificate.status === 200) {
    const found = leafOf(certificate.text)
    if (!found) throw strange(task, certificate, 'certificate')
    if (found.serialNumber !== knownSerial)
      return { state: 'signed', certificate: certified(task, found, nowMs) }
  } else if (certificate.status !== 404) throw unexpected(task, certificate, 'a certificate')
  const there = await pending(task)
  if (there !== undefined) return { state: 'waiting', request: there, remark: undefined }
  const { status, text } = await client.submit(name, task.signingRequest)
  if (status !== 200 && status !== 400) throw unexpected(task, { status, text }, 'a signature')
  // A CA that signs by itself has done so by now, and a person may have since the first look.
  const signed = await client.get('certificate', name)
  const found = signed.status === 200 ? leafOf(signed.text) : undefined
  if (found && found.serialNumber !== knownSerial)
    return { state: 'signed', certificate: certified(task, found, nowMs) }
  if (status === 200) return { state: 'waiting', request: task.signingRequest, remark: undefined }
  // It may be kept all the same, for somebody to sign it, as with names that the CA may not sign by itself.
  const remark = sentenceOf(text) || 'it gives no reason'
  const kept = await pending(task)
  if (kept !== undefined) return { state: 'waiting', request: kept, remark }
  if (certificate.status === 200) return { state: 'refused', remark }
  throw new EnrolmentError('impossible', `the CA at ${task.url} refuses the request for ${name}: ${remark}`)
}

/** Waits until somebody signed the request. Rejects with an EnrolmentError when that takes too long. */
export async function awaitSignature(
  task: SigningTask,
  { runtime, say, waitMs, signal }: EnrolmentTools
): Promise<X509Certificate> {
  const untilMs = runtime.now() + waitMs
  let pauseMs: number = PACE.firstMs
  const told = new Set<string>()
  const tell = (sentence: string) => {
    if (told.has(sentence)) return
    told.add(sentence)
    say(sentence)
  }
  for (;;) {
    const found = await looked(task, runtime.wallClock())
    if (found instanceof CaAwayError) tell(`${found.message}; it is asked again`)
    else if (found.state === 'signed') return found.certificate
    else if (found.state === 'refused') throw new EnrolmentError('impossible', found.remark)
    else for (const sentence of waitingFor(task, found)) tell(sentence)
    const spread = 1 + PACE.spread * (2 * runtime.random() - 1)
    if (runtime.now() + pauseMs <= untilMs) await pause(runtime, pauseMs * spread, signal)
    else throw found instanceof CaAwayError ? found : tooLate(task)
    if (signal?.aborted) throw tooLate(task)
    pauseMs = Math.min(pauseMs * PACE.growth, PACE.lastMs)
  }
}

/** A CA that is away while somebody signs, or restarts after its `ca.conf` changed, is waited for like the signature. */
async function looked(task: SigningTask, nowMs: number): Promise<SigningState | CaAwayError> {
  try {
    return await lookForSignature(task, nowMs)
  } catch (error) {
    if (error instanceof CaAwayError) return error
    throw error
  }
}

/** What a person has to do for a request that lies at the CA. */
function waitingFor(
  { settings, url }: SigningTask,
  { request, remark }: { readonly request: string; readonly remark: string | undefined }
): string[] {
  const [, ...more] = namesOf(settings)
  const names =
    more.length === 0
      ? []
      : [
          `it asks for the alternative names ${more.join(', ')}, which a CA signs only with allow-subject-alt-names: true ` +
            'in its ca.conf (conf.d/ca.conf beside puppetserver.conf; then restart puppetserver)'
        ]
  return [
    `a request for ${settings.name} waits at the CA at ${url}, with the digest (SHA256) ${requestDigest(request)}. ` +
      `On the CA, compare it with: puppetserver ca list --certname ${settings.name}; and sign it with: ` +
      `puppetserver ca sign --certname ${settings.name}. ${whereForbidden}`,
    ...names,
    ...(remark === undefined ? [] : [`the CA says: ${remark}`])
  ]
}

/** The request that lies at the CA, PEM, which is ours though it may be of an earlier start; `undefined`: none does. */
async function pending({ client, settings, expected, url }: SigningTask): Promise<string | undefined> {
  const { name } = settings
  const answer = await client.get('certificate_request', name)
  const { status, text } = answer
  if (status !== 200) return undefined
  const key = requestedKey(text)
  if (!key) throw strange({ settings, url }, answer, 'certificate request')
  if (key.equals(expected.publicKey)) return text
  throw new EnrolmentError(
    'impossible',
    `at the CA at ${url} waits a request for ${name} that was made with another key. ${clean(name)}`
  )
}

function certified(
  { expected, settings, url }: SigningTask,
  found: X509Certificate,
  nowMs: number
): X509Certificate {
  const { name } = settings
  if (!hasKey(found, expected.publicKey)) {
    throw new EnrolmentError(
      'impossible',
      `the CA at ${url} has a certificate for ${name} that was made for another key. ${clean(name)}`
    )
  }
  const problem = certificateProblem(found, { ...expected, nowMs })
  if (problem === undefined) return found
  const isOver = nowMs > found.validToDate.getTime()
  throw new EnrolmentError(
    'impossible',
    `the certificate that the CA at ${url} sends for ${name} ${problem}${isOver ? `. ${clean(name)}` : ''}`
  )
}

function clean(name: string): string {
  return (
    `If no other machine needs that name: puppetserver ca clean --certname ${name} (on the CA; it revokes what it has of ` +
    `it), and begin again. If one does, choose another name. ${whereForbidden}`
  )
}

/** A server that starts, or has lost its way for a moment, is like one that is away. */
function unexpected({ url }: SigningTask, { status, text }: CaAnswer, what: string): Error {
  const words = sentenceOf(text)
  const sentence = `the CA at ${url} answered ${status} when it was asked for ${what}${words && `: ${words}`}`
  return status >= 500 ? new CaAwayError(sentence) : new EnrolmentError('impossible', sentence)
}

function strange(
  { settings: { name }, url }: Pick<SigningTask, 'settings' | 'url'>,
  answer: CaAnswer,
  what: 'certificate' | 'certificate request'
): EnrolmentError {
  const sentence = `the CA at ${url} ${strangeAnswer(answer, what)} when it was asked for that of ${name}: it must be a Puppet CA`
  return new EnrolmentError('impossible', sentence)
}

function tooLate({ settings: { name }, url }: SigningTask): EnrolmentError {
  return new EnrolmentError(
    'impossible',
    `nobody has signed the request for ${name} at the CA at ${url} yet. It stays there: sign it ` +
      `(puppetserver ca sign --certname ${name}), and begin again`
  )
}

/** A CA's own words, as they may be printed: one line, not too long, no control characters. */
export function sentenceOf(text: string): string {
  const [line = ''] = text.trim().split('\n')
  return line.replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 500)
}

function pause(runtime: EnrolmentTools['runtime'], delayMs: number, signal: AbortSignal | undefined) {
  return new Promise<void>(resolve => {
    const cancel = runtime.schedule(delayMs, resolve)
    signal?.addEventListener(
      'abort',
      () => {
        cancel()
        resolve()
      },
      { once: true }
    )
  })
}
