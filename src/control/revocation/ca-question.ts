import { Client, type Dispatcher } from 'undici'
import { isOwnFault } from '../../model/own-fault.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { UpstreamSettings } from '../../model/settings.ts'
import { type FullListEnds, fullListEndsIn } from '../../pki/full-list.ts'
import { type CauseKind, causeOfAnswer } from '../../upstream/cause.ts'
import { createConnector } from '../../upstream/connector.ts'
import { createRoute } from '../../upstream/route.ts'
import { NoAnswer } from '../master-watch/no-answer.ts'

/** Where a CA has its revocation lists, all levels in one file (Puppet 4 and later). */
export const listsPath = '/puppet-ca/v1/certificate_revocation_list/ca'
/** Where Puppet Server 6.12.2 and later say when their full lists end; to whoever shows a certificate of theirs. */
export const expirationsPath = '/puppet-ca/v1/expirations'

/** 200,000 entries take some 14 MB in PEM. A longer list can be shipped as a file. */
export const maxAnswerBytes = 24 * 1024 * 1024
/** A line for each CA. */
const maxExpirationsBytes = 64 * 1024
/** From the begin of the connection to the last byte. */
export const questionTimeoutMs = 30_000
/** How far the clock by which the CA dates its answer may be from that of its files, and rounding. */
const CLOCK_SLACK_MS = 60_000

/** Whom to ask. */
export interface ListAuthority {
  /** Origin. */
  readonly url: string
  readonly addresses: readonly string[]
}

/** By what a CA tells later whether it has other lists. */
export interface Validators {
  readonly etag: string | undefined
  /** An HTTP date. */
  readonly modifiedSince: string | undefined
}

/** How to ask. */
export interface Means {
  readonly upstream: UpstreamSettings
  readonly runtime: Runtime
}

export interface Question extends Means {
  /** Left out: the CA is to answer in any case. */
  readonly validators: Validators | undefined
  /** Called with each piece of the answer as it comes. */
  readonly onBytes: (bytes: Uint8Array) => void
}

/** What kept a CA from giving its lists, as a bounded set for metrics. */
export type FetchFault = CauseKind | 'too-long' | 'infrastructure'

/** A question for revocation lists that got none. */
export class NoLists extends Error {
  override readonly name = 'NoLists'
  readonly kind: FetchFault
  /** The CA was never asked: this machine or this process lacks something. */
  readonly isOwnFault: boolean

  /** `text`: a clause about the CA. */
  constructor(kind: FetchFault, text: string, { isOwnFault = false } = {}) {
    super(text)
    this.kind = kind
    this.isOwnFault = isOwnFault
  }
}

/**
 * Asks a CA for its revocation lists on a connection of its own. Resolves with what to ask by the next time, or with
 * `undefined` when it has no others than those of the validators. Rejects with a NoLists.
 */
export function askForLists(
  ca: ListAuthority,
  { validators, onBytes, ...means }: Question
): Promise<Validators | undefined> {
  return ask(ca, means, requestFor(validators), answer => read(answer, { validators, onBytes }))
}

/** Asks a CA when its full lists end. Resolves with `undefined` when it does not say, for whatever reason. */
export async function askForFullListEnds(ca: ListAuthority, means: Means): Promise<FullListEnds | undefined> {
  const headers = { accept: 'application/json', 'user-agent': 'puppet-lb' }
  try {
    return await ask(ca, means, { path: expirationsPath, method: 'GET', headers }, async answer => {
      const pieces: Buffer[] = []
      await readBody(answer, maxExpirationsBytes, bytes => pieces.push(bytes))
      return fullListEndsIn(Buffer.concat(pieces).toString())
    })
  } catch (error) {
    if (error instanceof NoLists) return undefined
    throw error
  }
}

/** One question on a connection of its own. Rejects with a NoLists. */
async function ask<T>(
  { url, addresses }: ListAuthority,
  { upstream, runtime }: Means,
  request: Dispatcher.RequestOptions,
  answered: (answer: Dispatcher.ResponseData) => Promise<T>
): Promise<T> {
  const progress = { isLate: false, isTaken: false, isConnected: false }
  const client = new Client(url, {
    connect: createConnector(
      upstream,
      createRoute(() => addresses),
      runtime,
      {
        onTaken() {
          progress.isTaken = true
        }
      }
    ),
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0
  })
  client.once('connect', () => {
    progress.isConnected = true
  })
  const cancel = runtime.schedule(questionTimeoutMs, () => {
    progress.isLate = true
    void client.destroy(new Error('timed out'))
  })
  try {
    return await answered(await client.request(request))
  } catch (error) {
    if (error instanceof NoLists) throw error
    const { why, isOwnFault: isOurs } = new NoAnswer(error, progress)
    throw new NoLists(why.kind, why.text, { isOwnFault: isOurs || isOwnFault(error) })
  } finally {
    cancel()
    void client.destroy().catch(() => {}) // Nothing is left to do with a client that cannot be torn down.
  }
}

function requestFor(validators: Validators | undefined): Dispatcher.RequestOptions {
  const { etag, modifiedSince } = validators ?? {}
  return {
    path: listsPath,
    method: 'GET',
    headers: {
      accept: 'text/plain, */*',
      'user-agent': 'puppet-lb',
      ...(etag !== undefined && { 'if-none-match': etag }),
      ...(modifiedSince !== undefined && { 'if-modified-since': modifiedSince })
    }
  }
}

async function read(
  answer: Dispatcher.ResponseData,
  { validators, onBytes }: Pick<Question, 'validators' | 'onBytes'>
): Promise<Validators | undefined> {
  if (answer.statusCode === 304 && validators) {
    ignoreRest(answer)
    return undefined
  }
  await readBody(answer, maxAnswerBytes, onBytes)
  return validatorsOf(answer.headers)
}

async function readBody(
  answer: Dispatcher.ResponseData,
  maxBytes: number,
  onBytes: (bytes: Buffer) => void
): Promise<void> {
  const { statusCode, headers, body } = answer
  ignoreRest(answer)
  if (statusCode !== 200) {
    const { kind } = causeOfAnswer(statusCode)
    throw new NoLists(kind === 'body' ? 'status' : kind, `it answered ${statusCode}`)
  }
  if (Number(headers['content-length']) > maxBytes) throw tooLong(maxBytes)
  let length = 0
  for await (const bytes of body as AsyncIterable<Buffer>) {
    length += bytes.length
    if (length > maxBytes) throw tooLong(maxBytes)
    onBytes(bytes)
  }
}

/** What an answer says that is not read any more is of no interest, its failure included. */
function ignoreRest({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => {})
}

/**
 * Puppet Server says neither ETag nor Last-Modified. It compares If-Modified-Since with the time of its file, so the
 * date that it gave its answer serves: its own clock, and no later than the file was read. Whoever asked by the clock
 * of this machine could miss a revocation by the difference.
 */
function validatorsOf(headers: Dispatcher.ResponseData['headers']): Validators {
  const { etag, date, 'last-modified': lastModified } = headers
  const answeredMs = Date.parse(String(date))
  const answered = Number.isNaN(answeredMs) ? undefined : new Date(answeredMs - CLOCK_SLACK_MS).toUTCString()
  return { etag: textOf(etag), modifiedSince: textOf(lastModified) ?? answered }
}

function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function tooLong(maxBytes: number): NoLists {
  return new NoLists('too-long', `its answer is longer than ${maxBytes} bytes`)
}
