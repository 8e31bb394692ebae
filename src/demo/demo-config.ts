import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { stringify } from 'yaml'
import type { DemoMasters } from './demo-masters.ts'
import { type DemoMaterial, operatorName } from './demo-material.ts'
import type { DemoPlace } from './demo-place.ts'

const heading = `# The configuration of the demonstration, written anew by each \`npm start\`: the masters live in the
# same process, and their ports change. config/puppet-lb.yaml explains every key.
`

/** Writes the configuration that puts the balancer in front of the simulated masters; gives its path. */
export function writeDemoConfig(
  material: DemoMaterial,
  masters: DemoMasters,
  { host, port, adminPort }: DemoPlace
): string {
  const file = join(material.directory, 'puppet-lb.yaml')
  const { server, balancer } = material
  const settings = {
    listen: { host, port, drainTimeout: '5s' },
    tls: {
      cert: basename(server.certFile),
      key: basename(server.keyFile),
      ca: basename(material.caFile),
      // Often, so that nobody waits long to see a revoked agent refused.
      crl: { fetch: true, refresh: '2s', directory: '.' }
    },
    ca: { url: masters.ca.url },
    masters: masters.compile.map(({ master, jrubies }) => {
      return { name: master.name, url: master.url, weight: jrubies }
    }),
    upstream: {
      tls: {
        ca: basename(material.hopCaFile),
        cert: basename(balancer.certFile),
        key: basename(balancer.keyFile)
      }
    },
    health: { interval: '1s', timeout: '1s', rise: 2, fall: 2 },
    access: { administrators: [operatorName] },
    admin: { port: adminPort },
    // The page tells of masters, and the rest would drown what the demonstration prints.
    log: { level: 'error' }
  }
  writeFileSync(file, `${heading}${stringify(settings)}`)
  return file
}
