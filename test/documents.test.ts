import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Registry } from 'prom-client'
import t from 'tap'
import { reference } from '../src/build/reference.ts'
import { loadConfig } from '../src/config/load.ts'
import { fullNames } from '../src/config/schema-tree.ts'
import { reasonCodes } from '../src/model/errors.ts'
import { endpointClasses } from '../src/puppet/endpoint.ts'
import { createControlMetrics, createTrafficMetrics } from '../src/telemetry/metrics.ts'
import { documentsWithFigures, figuresIn, withFigures } from './bench/readme-figures.ts'
import { puppetLb } from './commands/puppet-lb.ts'
import { authority, pemFiles } from './config/fixture.ts'
import {
  copiedFiles,
  namedInDocuments,
  recipe,
  recipeNames,
  transplanted,
  vendorsDirectories
} from './support/recipes.ts'

const root = join(import.meta.dirname, '..')
const textOf = (name: string) => readFileSync(join(root, name), 'utf8')

/** Every document of the project, by its path. */
const documents = new Map(
  ['*.md', '{config,src,test}/**/*.md']
    .flatMap(pattern => globSync(pattern, { cwd: root }))
    .filter(name => name !== 'CHANGELOG.md')
    .map(name => [name, textOf(name)])
)

/** Code of a document: blocks of shell, and what stands between backticks in a line. */
function codeOf(text: string): readonly string[] {
  return [
    ...[...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.split('\n')),
    ...[...text.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span)
  ]
}

t.test('every command in a document is one that there is, with options that it has', async t => {
  const commands = [...documents.values()].flatMap(codeOf).flatMap(line => {
    const program = line.includes('main.ts')
      ? /main\.ts ([a-z]+)\b([^#|]*)/
      : /(?:^|\s)puppet-lb ([a-z]+)\b([^#|]*)/
    const [, name, options = ''] = program.exec(line) ?? []
    return name ? [{ name, flags: options.match(/--[a-z-]+/g) ?? [] }] : []
  })
  t.ok(commands.length > 50)
  const helps = new Map<string, string>()
  for (const { name, flags } of commands) {
    if (!helps.has(name)) {
      const { code, out } = await puppetLb([name, '--help'])
      t.equal(code, 0, name)
      t.match(out, `Usage: puppet-lb ${name}`)
      helps.set(name, out)
    }
    for (const flag of flags) if (!helps.get(name)?.includes(flag)) t.fail(`${name} has no ${flag}`)
  }
})

t.test('every key that a document names is one of the configuration', async t => {
  const groups = new Set(fullNames.map(name => name.split(/[.[]/, 1)[0]))
  for (const [name, text] of documents) {
    // The first cells of ADMIN.md are fields of the API.
    const prose = name.endsWith('ADMIN.md') ? text.replace(/^\| `[^|]*\|/gm, '') : text
    const named = codeOf(prose).flatMap(span => {
      const [, key = '', group] = /^(([a-z]+)(?:\[\])?\.[A-Za-z.[\]]+)(?::.*)?$/.exec(span) ?? []
      return groups.has(group) ? [key] : []
    })
    t.same(
      named.filter(key => !fullNames.includes(key) && !/\.(?:ts|md|conf|pem|key|yaml|test)$/.test(key)),
      [],
      name
    )
  }
})

t.test('every link leads to a file, and to a heading that is there', async t => {
  for (const [name, text] of documents) {
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? join(root, name) : resolve(root, dirname(name), path)
      if (!existsSync(file)) t.fail(`${name}: ${target}`)
      else if (anchor !== undefined)
        t.ok(anchorsOf(readFileSync(file, 'utf8')).has(anchor), `${name}: ${target}`)
    }
  }
})

/** As GitHub makes them of headings. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const headings = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map(text =>
      text
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-')
    )
  )
}

t.test('the configuration of the README can be used as it stands', async t => {
  const [, text = ''] = /^<!-- config: deploy -->\n```yaml\n(.*?)^```$/ms.exec(textOf('README.md')) ?? []
  const { 'server.pem': cert, 'server.key': key, 'ca.pem': ca } = pemFiles
  const directory = t.testdir({
    enrolled: { 'cert.pem': cert, 'key.pem': key, 'ca.pem': ca, 'crl.pem': await authority.crl() },
    'puppet-lb.yaml': text.replace('/var/lib/puppet-lb', 'enrolled').replace('FC:8A:…', 'FC'.repeat(32))
  })
  const { settings, warnings } = loadConfig(`${directory}/puppet-lb.yaml`, {})
  t.same(warnings, [])
  t.same(
    settings.masters.map(({ name }) => name),
    ['master-1', 'master-2']
  )
})

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

t.test('every value that a label always has is in the row of its metric', async t => {
  const rows = new Map(
    [...reference().matchAll(/^\| `(puppet_lb_\w+)` \|.*$/gm)].map(match => [match[1], match[0]])
  )
  const series = [...(await everyMetric().metrics()).matchAll(/^(puppet_lb_\w+)\{(.+)\} /gm)]
  const values = series.flatMap(([, name, labels = '']) =>
    [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => ({ name, label, value }))
  )
  t.ok(values.length > 20)
  for (const { name, label, value } of values)
    if (label !== 'master') t.ok(rows.get(name)?.includes(`\`${value}\``), `${name}: ${label} ${value}`)
})

t.test('every reason code is in TROUBLESHOOTING.md, and none that does not exist', async t => {
  const named = [...textOf('config/TROUBLESHOOTING.md').matchAll(/^\| [A-Z][^|]*\| `([a-z-]+)` \|/gm)]
  t.same([...new Set(named.map(([, code]) => code))].sort(), [...reasonCodes].sort())
})

t.test('every endpoint class is in ADMIN.md', async t => {
  for (const each of endpointClasses) t.match(textOf('config/ADMIN.md'), `\`${each}\``)
})

t.test('the figures in the documents are those of the published results', async t => {
  const figures = figuresIn(join(root, 'test/bench/results'))
  for (const file of documentsWithFigures) {
    const text = readFileSync(file, 'utf8')
    t.equal(withFigures(text, figures), text, file)
    t.match(text, '<!-- figures: ')
  }
})

t.test('every recipe of a document is one that the tests run, and the other way round', async t => {
  t.same([...namedInDocuments].sort(), [...recipeNames].sort())
})

// https://www.puppet.com/docs/puppet/8/server/config_file_webserver, and where its packages keep certificates:
// https://www.puppet.com/docs/puppet/8/dirs_ssldir and https://www.puppet.com/docs/puppet/8/dirs_confdir
t.test("with the other packages' directories the recipes name files of their documented layout", async t => {
  const texts = recipeNames.map(name => recipe(name, vendorsDirectories))
  const copied = copiedFiles.map(([from]) => transplanted(from, vendorsDirectories))
  const paths = [...texts.join('\n').matchAll(/(?<=[:\s])\/(?:etc|var|opt)\/[^\s"]+/g)].map(([path]) => path)
  t.same(
    [...new Set([...paths, ...copied])]
      .filter(path => !/^\/(?:(?:etc|var\/lib)\/puppet-lb|etc\/systemd)(?:\/|$)/.test(path))
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
