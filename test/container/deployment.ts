import type { IssuedCertificate } from '../../src/simulation/certificates.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { createTestPki, type TestPki } from '../support/balancer.ts'
import { createMount } from './mount.ts'
import { type Container, startContainer } from './podman.ts'

/** A container that serves, with a CA and a compile master on this machine behind it. */
export interface Deployment {
  readonly container: Container
  readonly port: number
  readonly adminPort: number
  readonly pki: TestPki
  readonly agent: IssuedCertificate
  readonly ca: SimulatedMaster
  readonly master: SimulatedMaster
}

/**
 * Starts masters and, as an operator would, a container with configuration and certificates mounted read-only.
 * Resolves once it serves. The container shares this machine's network: `port` is the agents', the next one the
 * operators'.
 */
export async function deploy(
  t: { teardown: (task: () => unknown) => void },
  port: number
): Promise<Deployment> {
  const adminPort = port + 1
  const pki = await createTestPki()
  const [agent, masterCertificate] = await Promise.all([
    pki.authority.issue({ certname: 'agent.example.com' }),
    pki.authority.issue({ certname: 'master.example.com', altNames: ['127.0.0.1'] })
  ])
  const tls = { cert: masterCertificate.chain, key: masterCertificate.key }
  const [ca, master] = await Promise.all([
    startSimulatedMaster({ name: 'ca', ca: pki.authority, tls }),
    startSimulatedMaster({ name: 'master-1', tls })
  ])
  t.teardown(() => Promise.all([ca.close(), master.close()]))

  const directory = await createMount(t, {
    'server.pem': pki.server.chain,
    'server.key': pki.server.key,
    'ca.pem': pki.authority.bundle,
    'crl.pem': await pki.authority.crl(),
    'puppet-lb.yaml': configuration(port, ca.url, master.url)
  })
  const container = startContainer(t, `puppet-lb-test-${port}`, {
    mounts: { [directory]: '/etc/puppet-lb' },
    env: { PUPPET_LB_ADMIN_PORT: String(adminPort) }
  })
  await container.line(line => line.includes('"msg":"serving"'))
  return { container, port, adminPort, pki, agent, ca, master }
}

function configuration(port: number, ca: string, master: string): string {
  return `
listen: { host: 127.0.0.1, port: ${port}, workers: 2 }
tls: { cert: server.pem, key: server.key, ca: ca.pem, crl: { file: crl.pem } }
ca: { url: "${ca}" }
masters: [{ name: master-1, url: "${master}" }]
health: { rise: 1 }
`
}
