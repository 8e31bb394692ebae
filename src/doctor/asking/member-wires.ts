import type { X509Certificate } from 'node:crypto'
import { createWire, isCause, type Wire } from '../../control/asking/wire.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { CertificateSettings, UpstreamSettings } from '../../model/settings.ts'
import { proxyHeader } from '../../upstream/proxy-header.ts'

/** Nobody is asked for longer; all are asked side by side. */
export const ASKING_MS = 10_000

/** The connections to one member: as the balancer makes them, and as others may. */
export interface MemberWires {
  /** With the balancer's own client certificate, if it has one. */
  readonly own: Wire
  /** With another certificate, or with none. */
  readonly as: (client: CertificateSettings | undefined) => Wire
  /** What it shows in a handshake, whether or not that can be believed. */
  readonly shown: () => Promise<X509Certificate | undefined>
}

export interface MemberPlace {
  readonly url: string
  readonly addresses: readonly string[]
  /** It wants a header of the PROXY protocol first. */
  readonly wantsProxyHeader: boolean
}

/** Opens connections to a member for as long as `ask` takes, but no longer than `ASKING_MS`; then all are closed. */
export async function withWires<Result>(
  place: MemberPlace,
  upstream: UpstreamSettings,
  { maxBytes, runtime }: { readonly maxBytes: number; readonly runtime: Runtime },
  ask: (wires: MemberWires) => Promise<Result>
): Promise<Result> {
  const open = new Set<Wire>()
  let isOver = false
  const withTls = (tls: Partial<UpstreamSettings['tls']>): Wire => {
    const wire = createWire({
      ...place,
      userAgent: 'puppet-lb doctor',
      upstream: { ...upstream, tls: { ...upstream.tls, ...tls } },
      preamble: place.wantsProxyHeader ? () => proxyHeader(undefined) : undefined,
      maxBytes,
      runtime
    })
    open.add(wire)
    if (isOver) wire.close()
    return wire
  }
  const end = () => {
    isOver = true
    for (const wire of open) wire.close()
  }
  const cancel = runtime.schedule(ASKING_MS, end)
  try {
    return await ask({
      own: withTls({}),
      as: client => withTls({ client }),
      async shown() {
        const wire = withTls({ verify: false })
        const answer = await wire.ask({ path: '/status/v1/simple' })
        return isCause(answer) ? undefined : wire.certificate()
      }
    })
  } finally {
    cancel()
    end()
  }
}
