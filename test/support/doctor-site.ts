import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Terminal } from '../../src/commands/program.ts'
import type { Diagnosis, Finding } from '../../src/doctor/finding.ts'
import { type Authority, createAuthority, type IssuedCertificate } from '../../src/simulation/certificates.ts'
import type { SimulatedMasterOptions } from '../../src/simulation/master-options.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { puppetLb } from '../commands/puppet-lb.ts'
import { createTestPki, type TestPki } from './balancer.ts'

type Test = { teardown: (task: () => unknown) => void }

/** What all sites of a test file have in common: two CAs, and a certificate for each of their members. */
export interface DoctorPki extends TestPki {
  /** The CA of the hop to masters, which issues for the balancer alone. */
  readonly hop: Authority
  readonly client: IssuedCertificate
  /** Of the masters and the CA: for `localhost` and 127.0.0.1. */
  readonly master: IssuedCertificate
  readonly crl: string
}

export async function createDoctorPki(): Promise<DoctorPki> {
  const pki = await createTestPki()
  const hop = await createAuthority({ intermediate: false, name: 'hop' })
  const altNames = ['localhost', '127.0.0.1']
  return {
    ...pki,
    hop,
    client: await hop.issue({ certname: 'balancer' }),
    master: await pki.authority.issue({ certname: 'master.example.com', altNames }),
    crl: await pki.authority.crl()
  }
}

/** A fault, or several: what of a healthy site is otherwise. */
export interface Planted {
  /** Of both masters, or of the second alone. */
  readonly masters?: Partial<SimulatedMasterOptions>
  readonly second?: Partial<SimulatedMasterOptions>
  readonly ca?: Partial<SimulatedMasterOptions>
  /** Groups of the configuration in place of those it has. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Texts of files beside the configuration in place of those there are. */
  readonly files?: Readonly<Record<string, string>>
}

export interface DoctorSite {
  readonly masters: readonly [SimulatedMaster, SimulatedMaster]
  readonly ca: SimulatedMaster
  /** The directory of the configuration. */
  readonly directory: string
  readonly file: string
  /** Runs the command; what it found as it prints it. */
  readonly doctor: (
    flags?: readonly string[],
    terminal?: Partial<Terminal>
  ) => Promise<Diagnosis & { readonly code: number }>
}

/** Two masters behind TLS of a CA of their own, the Puppet CA, and a configuration: in order, but for what is planted. */
export async function startDoctorSite(t: Test, pki: DoctorPki, planted: Planted = {}): Promise<DoctorSite> {
  const start = async (options: SimulatedMasterOptions) => {
    const master = await startSimulatedMaster(options)
    t.teardown(master.close)
    return master
  }
  const server = { cert: pki.master.chain, key: pki.master.key }
  const usual = { tls: { ...server, clientCa: pki.hop.bundle } }
  const [first, second, ca] = await Promise.all([
    start({ name: 'first', ...usual, ...planted.masters }),
    start({ name: 'second', ...usual, ...planted.masters, ...planted.second }),
    start({
      name: 'ca',
      ca: pki.authority,
      // It knows agents and the balancer.
      tls: { ...server, clientCa: pki.authority.bundle + pki.hop.bundle, clientAuth: 'want' },
      trustsHeaders: false,
      ...planted.ca
    })
  ])
  const directory = await mkdtemp(join(tmpdir(), 'puppet-lb-doctor-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const files = {
    'server.pem': pki.server.chain,
    'server.key': pki.server.key,
    'ca.pem': pki.authority.bundle,
    'crl.pem': pki.crl,
    'ca_crl.pem': pki.crl,
    'hop.pem': pki.client.chain,
    'hop.key': pki.client.key,
    ...planted.files
  }
  const config = {
    listen: { host: '127.0.0.1', port: 0, workers: 1, limits: { connections: 50 } },
    tls: { cert: 'server.pem', key: 'server.key', ca: 'ca.pem', crl: { file: 'crl.pem' } },
    ca: { url: `https://localhost:${ca.port}` },
    masters: [
      { name: 'first', url: `https://localhost:${first.port}` },
      { name: 'second', url: `https://localhost:${second.port}` }
    ],
    upstream: { tls: { cert: 'hop.pem', key: 'hop.key' } },
    admin: { port: 1 },
    ...planted.config
  }
  const file = join(directory, 'puppet-lb.yaml')
  await Promise.all([
    ...Object.entries(files).map(([name, text]) => writeFile(join(directory, name), text, { mode: 0o600 })),
    // JSON is YAML.
    writeFile(file, JSON.stringify(config))
  ])
  return {
    masters: [first, second],
    ca,
    directory,
    file,
    async doctor(flags = [], terminal = {}) {
      // Whatever Puppet Server this machine has is none of this site.
      const places = ['--ca-dir', directory, '--server-dir', directory]
      const args = ['doctor', '--config', file, '--json', ...places, ...flags]
      const { code, out, err } = await puppetLb(args, terminal)
      if (out === '') throw new Error(`it ended with ${code}: ${err}`)
      return { code, ...(JSON.parse(out) as Diagnosis) }
    }
  }
}

/** A finding in short, as `LEVEL CHECK SUBJECT`. */
export function inShort({ level, check, subject }: Finding): string {
  return `${level} ${check} ${subject}`
}
