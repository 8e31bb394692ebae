import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { unlessInstalled } from '../support/programs.ts'
import { type RecipeName, recipe, transplanted, vendorsDirectories } from '../support/recipes.ts'

const authority = await createAuthority()
const name = 'puppet.example.com'

/** A CA's host below a directory, with the files where the packages of Puppet and OpenVox have them. */
function startHost(t: Test) {
  const root = t.testdir({ bin: {}, root: {}, here: {} })
  const puppetserver = transplanted('/etc/puppet/puppetserver', vendorsDirectories)
  const cadir = join(root, puppetserver, 'ca')
  const autosign = join(root, transplanted('/etc/puppet/puppet.conf', vendorsDirectories), '../autosign.conf')
  for (const each of [join(cadir, 'signed'), join(cadir, 'requests'), join(autosign, '..')])
    mkdirSync(each, { recursive: true })
  const signer = authority.save().at(-1)
  writeFileSync(join(cadir, 'ca_crt.pem'), authority.bundle)
  writeFileSync(join(cadir, 'ca_key.pem'), signer?.key ?? '')
  const puppet = join(root, 'bin/puppet')
  // All that the recipes ask of it.
  writeFileSync(
    puppet,
    `#!/bin/sh\ncase "$*" in\n"config print cadir --section server") echo ${cadir};;\n` +
      `"config print autosign --section server") echo ${autosign};;\n*) exit 1;;\nesac\n`
  )
  chmodSync(puppet, 0o755)
  const here = join(root, 'here')
  return {
    ...{ root, cadir, autosign, here },
    run(which: RecipeName) {
      const places = { CADIR: cadir, '/root': join(root, 'root') }
      const text = transplanted(recipe(which, vendorsDirectories), places)
      const env = { ...process.env, PATH: `${join(root, 'bin')}:${process.env.PATH}` }
      return spawnSync('sh', ['-euc', text], { cwd: here, encoding: 'utf8', env })
    }
  }
}

t.test(
  'a CA that runs no more signs by its key, with its files where the vendor’s packages have them',
  { skip: unlessInstalled('openssl') },
  t => {
    const { run, here } = startHost(t)
    for (const which of ['request', 'sign'] as const) {
      const { status, stderr } = run(which)
      t.equal(status, 0, stderr)
    }
    t.equal(statSync(join(here, 'key.pem')).mode & 0o077, 0, 'nobody else reads the key')
    const leaf = new X509Certificate(readFileSync(join(here, 'cert.pem')))
    const signer = new X509Certificate(authority.bundle)
    t.ok(leaf.verify(signer.publicKey) && leaf.checkIssued(signer))
    t.equal(leaf.subject, `CN=${name}`)
    t.equal(leaf.subjectAltName, `DNS:${name}, DNS:puppet`)
    t.end()
  }
)

t.test('what a CA has of a lost name is put aside, and it signs that name by itself', t => {
  const { run, cadir, autosign, root } = startHost(t)
  for (const at of ['signed', 'requests'])
    for (const each of [name, 'agent.example.com']) writeFileSync(join(cadir, at, `${each}.pem`), at)
  writeFileSync(autosign, '*.dmz.example.com\n')
  const { status, stderr } = run('autosign')
  t.equal(status, 0, stderr)
  t.same(readdirSync(join(cadir, 'signed')), ['agent.example.com.pem'])
  t.same(readdirSync(join(cadir, 'requests')), ['agent.example.com.pem'])
  t.same(readdirSync(join(root, 'root')), [`${name}.pem`])
  t.equal(readFileSync(autosign, 'utf8'), `*.dmz.example.com\n${name}\n`)
  t.end()
})
