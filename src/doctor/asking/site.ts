import { pino } from 'pino'
import type { NamedCa, NamedMaster } from '../../control/sources/join.ts'
import { createOwnPlaces, ownAddresses } from '../../control/sources/own-places.ts'
import { type AskDns, createAskDns } from '../../control/sources/resolver.ts'
import { createSources } from '../../control/sources/sources.ts'
import { isLedTo, poolsOf } from '../../model/pool.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Config, Settings } from '../../model/settings.ts'
import { authoritiesOf } from '../../pki/authorities.ts'
import type { SiteFacts } from '../facts.ts'
import { credentialsOf } from './identity.ts'
import { askMember, type Member } from './member.ts'

/** What nobody has looked up by then is told as unknown. */
const LOOKUP_MS = 5_000

export interface SiteDeps {
  /** Default: real name servers, and the system. */
  readonly dns?: AskDns | undefined
  readonly runtime: Runtime
}

/** Looks up and asks every master and the CA, all side by side. Takes some 15 s at most. */
export async function askSite(
  { boot, settings }: Pick<Config, 'boot' | 'settings'>,
  { dns = createAskDns(), runtime }: SiteDeps
): Promise<SiteFacts> {
  const quiet = pino({ enabled: false })
  const sources = createSources(settings, {
    ...{ ask: dns.ask, runtime, log: quiet },
    ownPlaces: createOwnPlaces(boot.listen, ownAddresses).now,
    events: { add: () => {} },
    changed: () => {}
  })
  try {
    await sources.settled(LOOKUP_MS)
    const { masters, ca, remarks } = sources.named()
    const { upstream, health, tls } = settings
    const deps = {
      ...{ upstream, runtime },
      healthPath: health.path,
      credentials: credentialsOf(upstream.tls.client, tls.certificates, authoritiesOf(tls.ca))
    }
    const members = [...masters.map(master => memberOf(master, settings)), caOf(ca)]
    const facts = await Promise.all(members.map(member => askMember(member, deps)))
    return {
      masters: facts.slice(0, -1),
      ca: facts.at(-1) as SiteFacts['ca'],
      isCaMaster: masters.some(({ url }) => url === ca.url),
      unknownNames: sources.unknown(),
      remarks
    }
  } finally {
    sources.stop()
    dns.cancel()
  }
}

function memberOf(master: NamedMaster, { listen }: Pick<Settings, 'listen'>): Member {
  const { name, url, addresses, capacity } = master
  return {
    ...{ name, url, addresses, capacity },
    pools: poolsOf(master),
    isRaw: isLedTo(master, listen.tcp),
    wantsProxyHeader: isLedTo(
      master,
      listen.tcp.filter(({ proxyProtocol }) => proxyProtocol !== undefined)
    ),
    isCa: false
  }
}

function caOf(ca: NamedCa): Member {
  return {
    ...ca,
    name: 'ca',
    pools: [],
    isRaw: false,
    wantsProxyHeader: false,
    capacity: undefined,
    isCa: true
  }
}
