import type { X509Certificate } from 'node:crypto'
import { certificatesOf, toAuthority } from '../../pki/authorities.ts'
import { readRevocations } from '../../pki/crl.ts'
import { CrlError } from '../../pki/crl-error.ts'
import { generateKeyPair, importKeyPair, type KeyPair } from '../../pki/key-pair.ts'
import { certificateProblem, chainOf, leafOf, missingNames } from '../../pki/server-certificate.ts'
import { createSigningRequest, publicKeyOf } from '../../pki/signing-request.ts'
import { whereForbidden } from './anew.ts'
import { getBundle, readBundle } from './ca-bundle.ts'
import { createCaClient } from './ca-client.ts'
import { EnrolmentError } from './enrolment-error.ts'
import { type EnrolmentTask, type EnrolmentTools, verifiedReach } from './enrolment-task.ts'
import type { OwnFiles } from './own-files.ts'
import { renewNow } from './renew-now.ts'
import { awaitSignature } from './signature.ts'

/**
 * Gets everything a balancer needs from the Puppet CA, and keeps it: the CA bundle, which is believed by its fingerprint
 * alone; a key, which is never written over; a certificate, once somebody signed it; the revocation lists. What is there
 * already stays and is checked, so it may be cut at any point and begun again. Asks the CA nothing when all is there.
 * Where `bringsLists` is false nobody uses its lists: none are read, and none asked for.
 * In place of a certificate that has expired, or with `renew` of any, a new one of the same key is asked for.
 * Rejects with an EnrolmentError that says what to do, or a CaAwayError.
 */
export async function enrol(
  task: EnrolmentTask,
  tools: EnrolmentTools,
  { renew = false, bringsLists = true }: { readonly renew?: boolean; readonly bringsLists?: boolean } = {}
): Promise<X509Certificate> {
  const { settings, files } = task
  const wanted = (['ca', 'key', 'cert', 'crl'] as const).filter(file => bringsLists || file !== 'crl')
  const texts = await Promise.all(wanted.map(files.read))
  const [caText, keyText, certText, crlText] = texts
  if (texts.includes(undefined)) await files.prepare()
  const bundle = caText === undefined ? await getBundle(task, tools) : readBundle(task, caText)
  const keys = await keysOf(task, keyText, certText !== undefined, tools)
  const certificate =
    certText === undefined
      ? await getCertificate(task, bundle, keys, tools)
      : await ownCertificate(task, { bundle, keys, text: certText, renew }, tools)
  if (bringsLists && crlText === undefined) await getLists(task, bundle, tools)
  if (crlText !== undefined)
    checkLists(crlText, { bundle, what: files.pathOf('crl'), runtime: tools.runtime, remedy: anewFromCa })
  const missing = missingNames(certificate, settings)
  if (missing.length > 0) {
    tools.say(
      `the certificate of ${settings.name} lacks ${missing.join(', ')}: agents that have one of these as server refuse it. ` +
        `It is made anew by: puppetserver ca clean --certname ${settings.name} (on the CA), mv ${files.pathOf('cert')} ` +
        `${files.pathOf('cert')}.old (here), and enrolling again. ${whereForbidden}`
    )
  }
  return certificate
}

/** The pair of a private key; an EnrolmentError for one that cannot be used. Nothing of the key is in it. */
function readKeys(files: OwnFiles, pem: string): KeyPair {
  try {
    return importKeyPair(pem)
  } catch {
    throw new EnrolmentError(
      'impossible',
      `${files.pathOf('key')} holds no private key that can be used here: it must be PEM, not encrypted, RSA or ` +
        'ECDSA P-256. It is left as it is: move it away if it is not needed, or choose another directory'
    )
  }
}

async function keysOf(
  { settings, files }: EnrolmentTask,
  text: string | undefined,
  hasCertificate: boolean,
  { say }: EnrolmentTools
): Promise<KeyPair> {
  if (text !== undefined) {
    const path = files.pathOf('key')
    if (await files.isOpen('key')) say(`everybody on this machine may read ${path}: chmod 600 ${path}`)
    return readKeys(files, text)
  }
  if (hasCertificate) {
    throw new EnrolmentError(
      'impossible',
      `${files.directory} holds a certificate and not its key: move ${files.pathOf('cert')} away if it is not needed, ` +
        'or put its key beside it'
    )
  }
  const keys = await generateKeyPair(settings.keyType === 'rsa' ? 'rsa4096' : 'ec')
  const kept = await files.keep('key', keys.pem)
  say(`made a private key: ${files.pathOf('key')}`)
  return kept === keys.pem ? keys : readKeys(files, kept)
}

/** A certificate that is there already; in place of one that is over, or that is to be renewed, a new one. */
async function ownCertificate(
  task: EnrolmentTask,
  { bundle, keys, text, renew }: { bundle: string; keys: KeyPair; text: string; renew: boolean },
  tools: EnrolmentTools
): Promise<X509Certificate> {
  const { settings, files } = task
  const path = files.pathOf('cert')
  const refuse = (problem: string) =>
    new EnrolmentError(
      'impossible',
      `${path} ${problem}. Nothing was changed. If it is not needed, move it and the key away, or choose another directory`
    )
  const leaf = leafOf(text)
  if (!leaf) throw refuse('holds no certificate that can be read')
  const expected = { name: settings.name, publicKey: publicKeyOf(keys), authorities: certificatesOf(bundle) }
  const nowMs = tools.runtime.wallClock()
  const isOver = nowMs > leaf.validToDate.getTime()
  // Of one that is over all but its end is judged.
  const asOfMs = isOver ? leaf.validFromDate.getTime() : nowMs
  const problem = certificateProblem(leaf, { ...expected, nowMs: asOfMs })
  if (problem !== undefined) throw refuse(`holds a certificate that ${problem}`)
  if (!isOver && !renew) return leaf
  await files.prepare()
  return renewNow(task, { cert: text, leaf, keys, bundle }, tools)
}

async function getCertificate(
  task: EnrolmentTask,
  bundle: string,
  keys: KeyPair,
  tools: EnrolmentTools
): Promise<X509Certificate> {
  const { settings, files } = task
  const authorities = certificatesOf(bundle)
  const client = createCaClient(verifiedReach(task, bundle))
  const signingRequest = await createSigningRequest(settings, keys)
  const expected = { name: settings.name, publicKey: publicKeyOf(keys), authorities }
  const certificate = await awaitSignature(
    { client, settings, signingRequest, expected, url: task.reach.url },
    tools
  )
  await files.keep('cert', chainOf(certificate, authorities))
  tools.say(
    `got the certificate of ${settings.name}, valid until ${certificate.validToDate.toISOString()}: ${files.pathOf('cert')}`
  )
  return certificate
}

/** The first revocation lists. Whoever follows them later judges each anew. */
async function getLists(
  task: EnrolmentTask,
  bundle: string,
  { runtime, say }: EnrolmentTools
): Promise<void> {
  const { reach, files } = task
  const client = createCaClient(verifiedReach(task, bundle))
  const { status, text } = await client.get('certificate_revocation_list', 'ca')
  if (status !== 200) {
    const sentence = `the CA at ${reach.url} answered ${status} when it was asked for its revocation lists`
    throw new EnrolmentError('impossible', sentence)
  }
  const what = `what the CA at ${reach.url} sends as its revocation lists`
  checkLists(text, { bundle, what, runtime, remedy: '' })
  await files.keep('crl', text)
  say(`got the revocation lists: ${files.pathOf('crl')}`)
}

const anewFromCa = '. Move it away, and begin again: the CA is asked anew'

/** Throws unless these are lists by which it can be served. `what` they are, and what to do, for the sentence. */
function checkLists(
  text: string,
  {
    bundle,
    what,
    runtime,
    remedy
  }: Pick<EnrolmentTools, 'runtime'> & {
    readonly bundle: string
    readonly what: string
    readonly remedy: string
  }
): void {
  try {
    readRevocations(Buffer.from(text), certificatesOf(bundle).map(toAuthority), runtime.wallClock())
  } catch (error) {
    if (!(error instanceof CrlError)) throw error
    const why = error.problems.map(problem => problem.text).join('; it ')
    throw new EnrolmentError('impossible', `${what} ${why}${remedy}`)
  }
}
