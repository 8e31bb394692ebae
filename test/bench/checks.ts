import { X509Certificate } from 'node:crypto'
import { openConnection } from './agent-connection.ts'
import { agentRequest, metadataRequest } from './agent-requests.ts'
import { agentCertificate, agentContext, type Material, revokedName } from './material.ts'
import { metadata, type Witness, witnessPath } from './messages.ts'
import type { BackendPorts } from './ports.ts'
import type { Contender } from './proxies.ts'

const certname = 'agent-1'
const forgery = 'forged'

/** What an agent might send to pass for another one. */
const forgedHeaders = [
  `X-Client-DN: CN=${forgery}`,
  `x-client-dn: CN=${forgery}`,
  `X_Client_DN: CN=${forgery}`,
  'X-Client-Verify: SUCCESS',
  `X-Client-Cert: ${forgery}`
]

/**
 * Throws unless the proxy does the job that is measured: masters are told the same identity whichever proxy asks,
 * forged ones do not get through, an agent without a certificate is told to be none, one whose certificate is revoked
 * gets nothing, and certificate requests go to the CA master. Resolves with a description of the handshake, which must be the same for all proxies.
 */
export async function checkProxy(proxy: Contender, material: Material, ports: BackendPorts): Promise<string> {
  const claim = (holds: boolean, what: string) => {
    if (!holds) throw new Error(what)
  }
  const agent = await openConnection(proxy.port, agentContext(material, certname))
  const stranger = await openConnection(proxy.port, agentContext(material, undefined))
  const ask = async (connection: typeof agent, target: string) => {
    const { status, body } = await connection.ask(agentRequest('GET', target, forgedHeaders))
    claim(status === 200, `answered ${status} to ${target}: ${body}`)
    return JSON.parse(body.toString()) as Witness
  }
  try {
    const known = await ask(agent, witnessPath)
    claim(ports.masters.includes(known.port), `sent ${witnessPath} to port ${known.port}`)
    claim(!known.rawHeaders.some(text => text.includes(forgery)), 'let a forged header through')
    const [verify, name, certificate] = identityIn(known)
    claim(verify === 'SUCCESS' && name === `CN=${certname}`, `told the master ${verify}, ${name}`)
    const told = new X509Certificate(decodeURIComponent(certificate ?? ''))
    const shown = new X509Certificate(agentCertificate(material, certname))
    claim(told.raw.equals(shown.raw), 'told the master another certificate')

    const unknown = await ask(stranger, '/puppet-ca/v1/certificate/ca')
    claim(unknown.port === ports.ca, `sent a certificate request to port ${unknown.port}`)
    claim(identityIn(unknown).join() === 'NONE,,', `told the CA ${identityIn(unknown)} of a stranger`)

    const { body } = await agent.ask(metadataRequest)
    claim(body.equals(metadata), 'changed an answer')
    claim(
      !(await isServed(proxy.port, material, revokedName)),
      'served an agent whose certificate is revoked'
    )
    return agent.handshake
  } finally {
    await Promise.all([agent.close(), stranger.close()])
  }
}

async function isServed(port: number, material: Material, certname: string): Promise<boolean> {
  try {
    const agent = await openConnection(port, agentContext(material, certname))
    const { status } = await agent.ask(metadataRequest)
    await agent.close()
    return status < 400
  } catch {
    return false
  }
}

/** Verify, DN and certificate as a master saw them; several values of one header are joined, and so fail. */
function identityIn({ rawHeaders }: Witness): (string | undefined)[] {
  return ['x-client-verify', 'x-client-dn', 'x-client-cert'].map(wanted => {
    const values = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === wanted)
    return values.length === 0 ? undefined : values.join(' and ')
  })
}
