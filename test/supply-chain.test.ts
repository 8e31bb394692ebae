import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const root = new URL('../', import.meta.url)
const read = (file: string) => readFileSync(new URL(file, root), 'utf8')

interface LockedPackage {
  readonly version: string
  readonly integrity: string
  readonly dev?: true
  readonly hasInstallScript?: true
}

interface Component {
  readonly 'bom-ref': string
  readonly type: string
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly hashes: readonly { readonly alg: string; readonly content: string }[]
  readonly licenses: readonly { readonly license?: { readonly id: string }; readonly expression?: string }[]
}

const { packages } = JSON.parse(read('package-lock.json')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>
}
const locked = Object.entries(packages)
  .filter(([path]) => path !== '')
  .map(([path, about]) => ({ name: path.replace(/^.*node_modules\//, ''), ...about }))
const running = locked.filter(({ dev }) => !dev)

t.test('the bill of materials is CycloneDX and names every package that runs, and no other', async t => {
  const { stdout } = await promisify(execFile)('npm', ['run', '--silent', 'sbom'], {
    cwd: fileURLToPath(root),
    maxBuffer: 16 * 1024 * 1024
  })
  const bom = JSON.parse(stdout)
  t.match(bom, {
    bomFormat: 'CycloneDX',
    specVersion: /^1\.[5-9]$/,
    serialNumber: /^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    version: 1,
    metadata: {
      timestamp: /^\d{4}-\d\d-\d\dT/,
      component: {
        type: 'application',
        name: 'puppet-lb',
        purl: /^pkg:npm\/puppet-lb@/,
        licenses: [{ license: { id: 'Apache-2.0' } }]
      }
    }
  })
  const components: readonly Component[] = bom.components
  const purls = new Map(running.map(({ name, version, integrity }) => [purl(name, version), integrity]))
  t.same(components.map(each => each.purl).sort(), [...purls.keys()].sort())
  for (const each of components) {
    t.equal(each.type, 'library', each.purl)
    t.equal(purl(each.name, each.version), each.purl)
    t.ok(
      each.licenses.length > 0 && each.licenses.every(({ license, expression }) => license?.id || expression),
      `${each.purl} has a licence`
    )
    t.same(each.hashes, [{ alg: 'SHA-512', content: sha512In(purls.get(each.purl)) }], each.purl)
  }
  const refs = [bom.metadata.component, ...components].map(each => each['bom-ref'])
  t.equal(new Set(refs).size, refs.length, 'every reference is there once')
  const dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[] =
    bom.dependencies
  t.same(dependencies.map(({ ref }) => ref).sort(), [...refs].sort())
  for (const { ref, dependsOn } of dependencies)
    t.same(
      dependsOn.filter(each => !refs.includes(each)),
      [],
      ref
    )
})

t.test('no package that runs has an install script, and no other may run its own unless named', async t => {
  t.same(
    running.filter(({ hasInstallScript }) => hasInstallScript),
    []
  )
  const { allowScripts } = JSON.parse(read('package.json'))
  const wanting = locked.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name)
  t.same(Object.keys(allowScripts).sort(), wanting.sort())
})

t.test('whoever installs it to run it runs no install script', async t => {
  for (const file of ['Dockerfile', 'README.md']) {
    const commands = read(file).match(/npm ci --omit[^\n&`]*/g) ?? []
    t.ok(commands.length > 0, file)
    for (const command of commands) t.match(command, '--ignore-scripts', file)
  }
})

/** https://github.com/package-url/purl-spec: the @ of a scope is escaped. */
function purl(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}

function sha512In(integrity: string | undefined): string {
  const [, base64 = ''] = /^sha512-(\S+)$/.exec(integrity ?? '') ?? []
  return Buffer.from(base64, 'base64').toString('hex')
}
