import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hopFiles, type MasterLayout, scratch } from './layout.ts'
import { masterDir } from './master-config.ts'
import { runRecipe } from './recipe-shell.ts'

/** Makes the certificate that masters with TLS know the balancer by, as DEPLOY.md says. */
export async function makeHop(): Promise<void> {
  const cwd = scratch('proxy/tls')
  mkdirSync(cwd, { recursive: true })
  await runRecipe('hop', { cwd })
}

/** Copies it to a master, beside the Puppet CA where that master looks at agents' certificates itself. */
export function admitHop(master: MasterLayout): void {
  const dir = masterDir(master)
  const hop = hopFiles().cert
  copyFileSync(hop, join(dir, 'hop.pem'))
  const ca = join(dir, 'ssl/certs/ca.pem')
  if (!existsSync(ca)) throw new Error(`${master.name} has no CA certificate yet`)
  writeFileSync(join(dir, 'clients.pem'), `${readFileSync(ca, 'utf8')}${readFileSync(hop, 'utf8')}`)
}
