import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1/Deployment'
import { type INetworkPolicy, NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import {
  type IPodDisruptionBudget,
  PodDisruptionBudget
} from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { ConfigMap, type IConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { type IService, Service } from 'kubernetes-models/v1/Service'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import { srvNames } from '../../src/control/sources/srv.ts'
import { pemFiles } from '../config/fixture.ts'
import { documentsOf, filesOf } from './deployed-files.ts'

/** The kinds that are used, with their schemas. */
const models = { ConfigMap, Deployment, NetworkPolicy, PodDisruptionBudget, Service }

type Kind = keyof typeof models

interface Manifest {
  readonly apiVersion: string
  readonly kind: Kind
  readonly metadata: { readonly name: string; readonly namespace: string }
}

const manifests = filesOf('kubernetes').flatMap(file => documentsOf<Manifest>(file))

function find<Found>(kind: Kind, name: string): Found {
  return manifests.find(each => each.kind === kind && each.metadata.name === name) as unknown as Found
}

const { spec: wanted } = find<IDeployment>('Deployment', 'puppet-lb')
const pod = wanted?.template
const container = pod?.spec?.containers[0]
const configuration = find<IConfigMap>('ConfigMap', 'puppet-lb').data?.['puppet-lb.yaml'] ?? ''

/** The configuration with the certificates where the Deployment puts them. */
function loaded({ testdir }: Pick<Test, 'testdir'>) {
  const { 'server.pem': cert, 'server.key': key, 'ca.pem': ca } = pemFiles
  const tls = { 'cert.pem': cert, 'key.pem': key, 'ca.pem': ca, 'hop.pem': cert, 'hop.key': key }
  return loadConfig(`${testdir({ tls, 'puppet-lb.yaml': configuration })}/puppet-lb.yaml`, {})
}

t.test('every manifest is what the schema of its kind allows', async t => {
  for (const { apiVersion, kind, ...content } of manifests) {
    const model = new models[kind](content as never)
    t.equal(model.apiVersion, apiVersion, kind)
    t.doesNotThrow(() => model.validate(), `${kind} ${content.metadata.name}`)
  }
})

// The API drops what it does not know, so that a slip of a name changes nothing, in silence. The types know every name.
t.test('no manifest has a field that its kind does not have', async t => {
  const sources = manifests.map(({ kind, ...content }, index) => {
    const { apiVersion } = content
    const path = `kubernetes-models/${apiVersion}/${kind}`
    return `import type { I${kind} as I${index} } from '${path}'\nexport const m${index}: I${index} = ${JSON.stringify({ kind, ...content })}\n`
  })
  const directory = t.testdir({ 'manifests.ts': sources.join('') })
  const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--skipLibCheck',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024'
  ]
  const checked = promisify(execFile)(process.execPath, [tsc, ...options, `${directory}/manifests.ts`])
  t.equal(
    await checked.then(
      () => '',
      ({ stdout }) => stdout
    ),
    ''
  )
})

t.test('selectors, ports and secrets lead to what there is', async t => {
  const labels = pod?.metadata?.labels
  t.same(wanted?.selector.matchLabels, labels)
  t.same(find<IPodDisruptionBudget>('PodDisruptionBudget', 'puppet-lb').spec?.selector?.matchLabels, labels)
  t.same(find<INetworkPolicy>('NetworkPolicy', 'puppet-lb').spec?.podSelector?.matchLabels, labels)
  const ports = new Set(container?.ports?.map(({ name }) => name))
  for (const name of ['puppet', 'puppet-lb-admin']) {
    const { spec } = find<IService>('Service', name)
    t.same(spec?.selector, labels, name)
    for (const { targetPort } of spec?.ports ?? [])
      t.ok(ports.has(String(targetPort)), `${name} ${targetPort}`)
  }
  const volumes = pod?.spec?.volumes?.map(({ name }) => name)
  t.same(
    container?.volumeMounts?.map(({ name }) => name),
    volumes
  )
  t.equal(new Set(manifests.map(({ metadata }) => metadata.namespace)).size, 1)
})

t.test('the balancer runs without rights, and writes only where its state is', async t => {
  t.match(pod?.spec?.securityContext, {
    runAsNonRoot: true,
    runAsUser: 1000,
    seccompProfile: { type: 'RuntimeDefault' }
  })
  t.match(container?.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] }
  })
  t.equal(pod?.spec?.automountServiceAccountToken, false)
  const writable = container?.volumeMounts?.filter(({ readOnly }) => !readOnly)
  t.same(
    writable?.map(({ mountPath }) => mountPath),
    [loaded(t).settings.state.directory]
  )
})

t.test('its probes ask paths of the admin listener', async t => {
  t.match(container?.livenessProbe?.httpGet, { path: '/healthz', port: 'admin' })
  t.match(container?.readinessProbe?.httpGet, { path: '/readyz', port: 'admin' })
  const ports = new Map(container?.ports?.map(({ name, containerPort }) => [name, containerPort]))
  const { listen, admin } = loaded(t).boot
  t.same([ports.get('puppet'), ports.get('admin')], [listen.port, admin.port])
})

t.test('whoever is replaced has time to end what it has, and one of two always serves', async t => {
  const { drainDelayMs, drainTimeoutMs } = loaded(t).settings.listen
  t.ok((pod?.spec?.terminationGracePeriodSeconds ?? 0) * 1000 > drainDelayMs + drainTimeoutMs)
  t.equal(wanted?.replicas, 2)
  t.match(wanted?.strategy?.rollingUpdate, { maxUnavailable: 0 })
  t.match(find<IPodDisruptionBudget>('PodDisruptionBudget', 'puppet-lb').spec, { maxUnavailable: 1 })
})

t.test('masters are found by the SRV records that Kubernetes makes of their Service', async t => {
  const { spec, metadata } = find<IService>('Service', 'puppet-masters')
  const [port] = spec?.ports ?? []
  const record = `_${port?.name}._tcp.${metadata?.name}.${metadata?.namespace}.svc.cluster.local`
  t.equal(srvNames(loaded(t).settings.discovery.srv?.domain ?? '').masters, record)
  t.equal(spec?.clusterIP, 'None')
})

t.test('nobody but the balancers reaches the masters', async t => {
  const { spec } = find<INetworkPolicy>('NetworkPolicy', 'puppet-masters')
  t.same(spec?.podSelector?.matchLabels, find<IService>('Service', 'puppet-masters').spec?.selector)
  t.same(
    spec?.ingress?.map(({ from }) => from),
    [[{ podSelector: { matchLabels: pod?.metadata?.labels } }]]
  )
})
