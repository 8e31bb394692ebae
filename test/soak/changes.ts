import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Authority } from '../../src/simulation/certificates.ts'

/** The files of a balancer, changed as operators and their tools do: written beside and renamed over. */
export interface Changes {
  /** A new certificate and key of the balancer's own. */
  readonly certificate: () => Promise<void>
  /** A list that names these serial numbers, with a number higher than any before. */
  readonly revocations: (serials: readonly string[]) => Promise<void>
  /** Other weights, policy and limits. */
  readonly configuration: () => Promise<void>
}

export function createChanges(options: {
  readonly directory: string
  readonly authority: Authority
  readonly settings: Readonly<Record<string, unknown>> & {
    readonly masters: readonly Readonly<Record<string, unknown>>[]
  }
  readonly random: () => number
}): Changes {
  const { directory, authority, settings, random } = options

  async function replace(name: string, text: string): Promise<void> {
    const file = join(directory, name)
    await writeFile(`${file}.new`, text, { mode: 0o600 })
    await rename(`${file}.new`, file)
  }

  return {
    async certificate() {
      const next = await authority.issue({
        certname: 'puppet.example.com',
        altNames: ['puppet', 'localhost', '127.0.0.1']
      })
      await replace('server.pem', next.chain)
      await replace('server.key', next.key)
    },
    async revocations(serials) {
      await replace('crl.pem', await authority.crl({ revoked: serials }))
    },
    async configuration() {
      const masters = settings.masters.map(master => ({ ...master, weight: 1 + Math.floor(4 * random()) }))
      const policy = ['least-loaded', 'round-robin', 'rendezvous'][Math.floor(3 * random())]
      const queue = { limit: 1_000 + Math.floor(1_000 * random()) }
      await replace('puppet-lb.yaml', JSON.stringify({ ...settings, masters, balance: { policy }, queue }))
    }
  }
}
