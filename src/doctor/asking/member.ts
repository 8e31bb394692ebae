import semver from 'semver'
import { isCause, type Wire } from '../../control/asking/wire.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { UpstreamSettings } from '../../model/settings.ts'
import { isRunning } from '../../puppet/status.ts'
import { causeOfAnswer } from '../../upstream/cause.ts'
import type { MemberFacts } from '../facts.ts'
import { askAuthority } from './authority.ts'
import { askCode, parsed } from './code.ts'
import { askAsOthers, askIdentity, type Credentials, pretended } from './identity.ts'
import { type MemberPlace, type MemberWires, withWires } from './member-wires.ts'
import { askPermission } from './permission.ts'

/** A master, or the CA, that is to be asked. */
export interface Member extends MemberPlace, Pick<MemberFacts, 'name' | 'pools' | 'isRaw' | 'capacity'> {
  /** It is asked for what the CA has, and not for what masters have. */
  readonly isCa: boolean
}

export interface AskDeps {
  readonly upstream: UpstreamSettings
  readonly healthPath: string
  readonly credentials: Credentials
  readonly runtime: Runtime
}

/** A list of plugins of very many modules, or the revocation list of a very large site, is shorter. */
const MAX_BYTES = 32 * 1024 * 1024

/** Asks one member some ten questions, one after the other. Changes nothing there. Never rejects. */
export function askMember(member: Member, deps: AskDeps): Promise<MemberFacts> {
  const { upstream, runtime } = deps
  return withWires(member, upstream, { maxBytes: MAX_BYTES, runtime }, wires => ask(member, wires, deps))
}

async function ask(
  member: Member,
  wires: MemberWires,
  { healthPath, credentials }: AskDeps
): Promise<MemberFacts> {
  const { name, url, pools, isRaw, capacity } = member
  const nothing: MemberFacts = {
    ...{ name, url, pools, isRaw, capacity },
    trouble: undefined,
    certificate: undefined,
    aheadMs: undefined,
    version: undefined,
    identity: undefined,
    permissions: [],
    code: undefined,
    documents: undefined
  }
  const status = await wires.own.ask({ path: healthPath })
  if (isCause(status)) {
    const isUnbelieved = status.kind === 'tls-verify'
    return { ...nothing, trouble: status, certificate: isUnbelieved ? await wires.shown() : undefined }
  }
  const isSecure = url.startsWith('https:')
  const seen = {
    ...nothing,
    trouble: isRunning(status.status, status.body, healthPath) ? undefined : causeOfAnswer(status.status),
    certificate: wires.own.certificate(),
    aheadMs: status.date && status.date.theirsMs - status.date.oursMs,
    version: await askVersion(wires.own),
    permissions: [{ method: 'GET', path: healthPath.split('?', 1)[0] ?? healthPath, status: status.status }]
  }
  if (isRaw) {
    const others = await askAsOthers(wires, credentials, isSecure)
    const withOurs = isSecure ? 'unclear' : (await askIdentity(wires, credentials, false)).withOurs
    return { ...seen, identity: { withOurs, forAnother: 'refused', asOurselves: undefined, ...others } }
  }
  const identity = await askIdentity(wires, credentials, isSecure)
  const isBelieved = identity.withOurs === 'allowed'
  const catalog =
    !member.isCa && isBelieved
      ? await askPermission(wires.own, { path: `/puppet/v3/catalog/${pretended}` })
      : undefined
  const mayRenew = isBelieved && identity.withNone !== 'refused' && renews(seen.version)
  const authority = member.isCa ? await askAuthority(wires, credentials.puppet, mayRenew) : undefined
  return {
    ...seen,
    identity,
    permissions: [...seen.permissions, ...(catalog ? [catalog] : []), ...(authority?.permissions ?? [])],
    code: !member.isCa && isBelieved ? await askCode(wires.own) : undefined,
    documents: authority?.documents
  }
}

/** The endpoint is there since 8.1.0; before, no rule speaks of it. */
function renews(version: string | undefined): boolean {
  const known = semver.coerce(version)
  return known !== null && semver.gte(known, '8.1.0')
}

/** Puppet Server's own version, from its status service; that of Puppet in it is another one. */
async function askVersion(wire: Wire): Promise<string | undefined> {
  const answer = await wire.ask({ path: '/status/v1/services?level=critical' })
  if (isCause(answer)) return undefined
  const services = parsed(answer.body) as Readonly<
    Record<string, { readonly service_version?: unknown }>
  > | null
  const { server, master, 'pe-master': enterprise, ca: authority } = services ?? {}
  const version = (server ?? master ?? enterprise ?? authority)?.service_version
  // It is printed, and another program may listen there.
  return typeof version === 'string' && /^[\w.+-]{1,40}$/.test(version) ? version : undefined
}
