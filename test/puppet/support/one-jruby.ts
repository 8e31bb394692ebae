import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MasterLayout } from './layout.ts'
import { endMaster, masterReady, startMaster } from './master.ts'
import { masterDir, writeMasterConfig } from './master-config.ts'

/** Starts a master anew with one JRuby, as the last tests want it; one that has one already is left alone. */
export async function withOneJRuby(master: MasterLayout): Promise<void> {
  const file = join(masterDir(master), 'conf.d/puppetserver.conf')
  const before = readFileSync(file, 'utf8')
  writeMasterConfig({ ...master, jrubies: 1 })
  if (readFileSync(file, 'utf8') === before) return
  await endMaster(master, 'SIGTERM')
  startMaster(master)
  await masterReady(master)
}
