import { join } from 'node:path'

/** Ports of the suite; every listener is bound to a loopback address. */
export const ports = {
  proxy: 18200,
  admin: 18201,
  ca: 18210,
  compile1: 18211,
  compile2: 18212,
  compile3: 18213,
  tcp: 18220
} as const

/** The name agents use for the balancer: the one name every machine resolves without an entry anywhere. */
export const proxyHost = 'localhost'

/** Certname of the balancer, as an operator would choose it; `localhost` is one of its alternative names. */
export const proxyName = 'puppet.example.test'

/** Certname of a workstation that may administer the CA (extension `pp_cli_auth`). */
export const operatorName = 'operator.example.test'

/** One Puppet Server of the fixture. */
export interface MasterLayout {
  /** Its certname, and its directory's name. */
  readonly name: string
  readonly host: string
  readonly port: number
  readonly isCa: boolean
  /** Whether it terminates TLS itself, or trusts its network and listens in plain text. */
  readonly tls: boolean
  readonly jrubies: number
  /** Whether it believes the balancer about who the agent is, as it does without it, or looks at certificates itself. */
  readonly trustsHeaders?: boolean
}

export const caMaster: MasterLayout = {
  name: 'puppetca.example.test',
  host: '127.0.18.10',
  port: ports.ca,
  isCa: true,
  tls: true,
  jrubies: 1
}

/** Reached by TLS with a certificate of the Puppet CA. */
export const tlsMaster: MasterLayout = {
  name: 'compile-1.example.test',
  host: '127.0.18.11',
  port: ports.compile1,
  isCa: false,
  tls: true,
  jrubies: 2
}

/** Reached in plain text, and so needs no certificate of its own. */
export const plainMaster: MasterLayout = {
  name: 'compile-2.example.test',
  host: '127.0.18.12',
  port: ports.compile2,
  isCa: false,
  tls: false,
  jrubies: 2
}

/** One that nobody knows at the begin, and whom the test starts that wants it. */
export const spareMaster: MasterLayout = {
  ...plainMaster,
  name: 'compile-3.example.test',
  host: '127.0.18.13',
  port: ports.compile3
}

export const compileMasters = [tlsMaster, plainMaster] as const
export const allMasters = [caMaster, ...compileMasters] as const

/** Origin of a master, as the balancer's configuration has it. */
export const urlOf = ({ tls, host, port }: MasterLayout): string =>
  `${tls ? 'https' : 'http'}://${host}:${port}`

/** The run's own directory, made and removed by `test/puppet/run`. */
export function scratch(...path: string[]): string {
  const dir = process.env.PUPPET_TEST_DIR
  if (dir === undefined) throw new Error('start the suite through test/puppet/run: it makes PUPPET_TEST_DIR')
  return join(dir, ...path)
}

/** The CA's files, and any host's certificate, key and copy of the CA bundle in its own `ssldir`. */
export const sslOf = (directory: string, certname: string) => ({
  cert: join(directory, 'ssl/certs', `${certname}.pem`),
  key: join(directory, 'ssl/private_keys', `${certname}.pem`),
  ca: join(directory, 'ssl/certs/ca.pem'),
  crl: join(directory, 'ssl/crl.pem')
})

/** What DEPLOY.md has in `/etc/puppet-lb/tls`: copied from the CA master, and the certificate for masters with TLS. */
export const proxyFiles = () => ({
  cert: scratch('proxy/tls', `${proxyName}.pem`),
  key: scratch('proxy/tls', `${proxyName}.key`),
  ca: scratch('proxy/tls/ca.pem'),
  crl: scratch('proxy/tls/crl.pem')
})

/** The certificate that masters with TLS know the balancer by. */
export const hopFiles = () => ({ cert: scratch('proxy/tls/hop.pem'), key: scratch('proxy/tls/hop.key') })
