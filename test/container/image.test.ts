import { readFileSync } from 'node:fs'
import t from 'tap'
import { imageName, podman, runToEnd } from './podman.ts'

interface ImageConfig {
  readonly User: string
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly ExposedPorts: Readonly<Record<string, object>>
  readonly StopSignal: string
  readonly Env: readonly string[]
  readonly Labels: Readonly<Record<string, string>>
}

async function inspect<Part>(path: string): Promise<Part> {
  const { stdout } = await podman('image', 'inspect', '--format', `{{json ${path}}}`, imageName())
  return JSON.parse(stdout)
}

/** What a shell in the image prints, a line an item. */
async function shell(script: string): Promise<readonly string[]> {
  const { stdout } = await runToEnd({ entrypoint: ['/bin/sh', '-c', script] })
  return stdout.split('\n').filter(line => line !== '')
}

t.test('it is built on one image of Node by its digest, of the version that the tests run with', async t => {
  const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
  const dockerfile = read('Dockerfile')
  const [, version] = /^ARG BASE=node:([\d.]+)-bookworm-slim@sha256:[0-9a-f]{64}$/m.exec(dockerfile) ?? []
  t.equal(version, JSON.parse(read('package.json')).devDependencies.node)
  const stages = dockerfile.match(/^FROM .*$/gm) ?? []
  t.ok(stages.length > 0 && stages.every(stage => stage.startsWith(`FROM \${BASE}`)), stages.join())
})

t.test('the image serves its mounted configuration, as a user known by number', async t => {
  const config = await inspect<ImageConfig>('.Config')
  t.equal(config.User, '1000:1000')
  t.same(config.Entrypoint, ['node', '--disable-sigusr1', '/app/src/main.ts'])
  t.same(config.Cmd, ['serve', '--config', '/etc/puppet-lb/puppet-lb.yaml'])
  t.same(Object.keys(config.ExposedPorts), ['8140/tcp', '9140/tcp'])
  t.equal(config.StopSignal, 'SIGTERM')
})

t.test('the health check needs no shell and ends before it is cut off', async t => {
  const check = await inspect<{ readonly Test: readonly string[]; readonly Timeout: number }>('.HealthCheck')
  t.same(check.Test.slice(0, 3), ['CMD', 'node', '-e'])
  const [, limitMs] = /timeout\((\d+)\)/.exec(check.Test[3] ?? '') ?? []
  t.ok(Number(limitMs) < check.Timeout / 1e6, `${limitMs} ms of ${check.Timeout / 1e6} ms`)
})

t.test('the labels say what it is and which version', async t => {
  const { Labels } = await inspect<ImageConfig>('.Config')
  const { stdout } = await runToEnd({ command: ['--version'] })
  t.equal(Labels['org.opencontainers.image.title'], 'puppet-lb')
  t.equal(Labels['org.opencontainers.image.licenses'], 'Apache-2.0')
  t.equal(Labels['org.opencontainers.image.version'], stdout.trim())
})

t.test('only what runs is in it', async t => {
  t.same(await shell('ls -A /app'), [
    'LICENSE',
    'config',
    'node_modules',
    'package.json',
    'sbom.cdx.json',
    'src'
  ])
  t.same(
    await shell('cd /app/node_modules && ls -d .cache node tap typescript @biomejs @types 2>/dev/null'),
    []
  )
  t.same(await shell('find /app/src -maxdepth 1 -name demo -o -maxdepth 1 -name simulation'), [])
  t.same(await shell('find / -xdev -name .npmrc -not -path "/usr/*" 2>/dev/null'), [])
})

t.test('its bill of materials names what is installed in it, and nothing else', async t => {
  const script = `
    const read = file => JSON.parse(require('fs').readFileSync('/app/' + file, 'utf8'))
    const installed = Object.entries(read('node_modules/.package-lock.json').packages)
      .map(([path, { version }]) => path.replace(/^.*node_modules\\//, '') + '@' + version)
    const { metadata, components } = read('sbom.cdx.json')
    const named = components.map(({ purl }) => decodeURIComponent(purl.replace('pkg:npm/', '')))
    console.log(JSON.stringify({ of: metadata.component.name, installed: [...new Set(installed)].sort(), named: named.sort() }))`
  const { stdout } = await runToEnd({ entrypoint: ['node', '-e', script] })
  const { of, installed, named } = JSON.parse(stdout)
  t.equal(of, 'puppet-lb')
  t.same(named, installed)
})

t.test('its user can read the whole program and change none of it', async t => {
  t.same(await shell('find /app -user 1000 -o -perm /022 ! -type l'), [])
  t.same(await shell('find /app -not -readable'), [])
})

t.test('a new volume for the configuration is one that its user may write in', async t => {
  t.same(await shell('stat -c "%u %a" /etc/puppet-lb; ls -A /etc/puppet-lb'), ['1000 755'])
})
