import { readFileSync } from 'node:fs'
import { Registry } from 'prom-client'
import t from 'tap'
import { reasonCodes } from '../src/model/errors.ts'
import { endpointClasses } from '../src/puppet/endpoint.ts'
import { createControlMetrics, createTrafficMetrics } from '../src/telemetry/metrics.ts'
import { figuresIn, withFigures } from './bench/readme-figures.ts'
import {
  copiedFiles,
  namedInReadme,
  recipe,
  recipeNames,
  transplanted,
  vendorsDirectories
} from './support/recipes.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const named = (pattern: RegExp) => [...readme.matchAll(pattern)].map(match => match[1] as string)

/** All metrics there are, of a control plane that knows one master. */
function everyMetric(): Registry {
  const registry = new Registry()
  createTrafficMetrics(registry)
  createControlMetrics(registry, {
    masters: () => [
      {
        ...{ name: 'm1', source: 'file', isMember: true, inFlight: 0, capacity: 1 },
        ...{ state: 'up', mode: 'active' }
      }
    ],
    connections: () => ({ handshake: 0, idle: 0, active: 0, tcp: 0 }),
    probeFailures: () => [],
    ejections: () => [],
    dnsFailures: () => [],
    queueDepth: () => [0, 0, 0],
    pools: () => [],
    poolCapacity: () => [],
    code: () => [],
    crl: () => undefined,
    crlFetch: () => undefined,
    certificates: () => new Map(),
    caDocuments: () => new Map(),
    agents: () => ({ seen: new Map(), expiring: new Map(), versions: new Map() }),
    ownCertificate: () => 'good',
    log: { totalLost: () => 0, faults: () => 0 }
  })
  return registry
}

t.test('every metric is in the README with its labels, and none that does not exist', async t => {
  const documented = new Map(
    [...readme.matchAll(/^\| `(puppet_lb_\w+)` \|([^|]*)\|/gm)].map(match => [
      match[1],
      labelsIn(match[2] ?? '')
    ])
  )
  const existing = new Map(
    everyMetric()
      .getMetricsAsArray()
      .map(metric => {
        const { name, labelNames } = metric as unknown as { name: string; labelNames: string[] }
        return [name, [...labelNames].sort()]
      })
  )
  t.same([...documented].sort(), [...existing].sort())
})

t.test('every value that a label always has is in the row of its metric', async t => {
  const rows = new Map(
    [...readme.matchAll(/^\| `(puppet_lb_\w+)` \|.*$/gm)].map(match => [match[1], match[0]])
  )
  const series = [...(await everyMetric().metrics()).matchAll(/^(puppet_lb_\w+)\{(.+)\} /gm)]
  const values = series.flatMap(([, name, labels = '']) =>
    [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => ({ name, label, value }))
  )
  t.ok(values.length > 20)
  for (const { name, label, value } of values)
    if (label !== 'master') t.ok(rows.get(name)?.includes(`\`${value}\``), `${name}: ${label} ${value}`)
})

t.test('every reason code is in the README, and none that does not exist', async t => {
  t.same(
    named(/^\| [A-Z][^|]*\| `([a-z-]+)` \|/gm)
      .filter(unique)
      .sort(),
    [...reasonCodes].sort()
  )
})

t.test('every endpoint class is in the README', async t => {
  for (const each of endpointClasses) t.match(readme, `\`${each}\``)
})

t.test('the figures in the README are those of the published results', async t => {
  t.equal(withFigures(readme, figuresIn(new URL('bench/results', import.meta.url).pathname)), readme)
  t.match(readme, '<!-- figures: fleet -->')
  t.match(readme, '<!-- figures: cpu -->')
})

t.test('every recipe of the README is one that the tests run, and the other way round', async t => {
  t.same([...namedInReadme].sort(), [...recipeNames].sort())
})

// https://www.puppet.com/docs/puppet/8/server/config_file_webserver, and where its packages keep certificates:
// https://www.puppet.com/docs/puppet/8/dirs_ssldir and https://www.puppet.com/docs/puppet/8/dirs_confdir
t.test("with the other packages' directories the recipes name files of their documented layout", async t => {
  const texts = recipeNames.map(name => recipe(name, vendorsDirectories))
  const copied = copiedFiles.map(([from]) => transplanted(from, vendorsDirectories))
  const paths = [...texts.join('\n').matchAll(/(?<=[:\s])\/(?:etc|var|opt)\/[^\s"]+/g)].map(([path]) => path)
  t.same(
    [...paths, ...copied]
      .filter(path => !/^\/(?:(?:etc|var\/lib)\/puppet-lb|etc\/systemd)(?:\/|$)/.test(path))
      .filter(unique)
      .sort(),
    [
      '/etc/puppetlabs/puppet/ssl/certs/ca.pem',
      '/etc/puppetlabs/puppet/ssl/certs/master-1.example.com.pem',
      '/etc/puppetlabs/puppet/ssl/certs/puppet.example.com.pem',
      '/etc/puppetlabs/puppet/ssl/certs/puppetca.example.com.pem',
      '/etc/puppetlabs/puppet/ssl/crl.pem',
      '/etc/puppetlabs/puppet/ssl/private_keys/master-1.example.com.pem',
      '/etc/puppetlabs/puppet/ssl/private_keys/puppet.example.com.pem',
      '/etc/puppetlabs/puppet/ssl/private_keys/puppetca.example.com.pem',
      '/etc/puppetlabs/puppetserver/ca/ca_crl.pem',
      '/etc/puppetlabs/puppetserver/clients.pem',
      '/etc/puppetlabs/puppetserver/hop.pem',
      '/etc/puppetlabs/puppetserver/request-logging.xml'
    ]
  )
})

function labelsIn(cell: string): string[] {
  return [...cell.matchAll(/`(\w+)`/g)].map(match => match[1] as string).sort()
}

function unique<Value>(value: Value, index: number, all: readonly Value[]): boolean {
  return all.indexOf(value) === index
}
