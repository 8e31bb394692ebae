import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Answer, ask } from './ask.ts'
import { end, serves, start } from './background.ts'
import { compiledAhead, inDebian } from './debian.ts'
import { hopFiles, type MasterLayout, scratch, urlOf } from './layout.ts'
import { masterDir, writeMasterConfig } from './master-config.ts'

/** On two idle cores one master boots in 15 s, and all three, with their certificates, in a minute. */
const BOOT_DEADLINE_MS = 240_000

/** For servers that start often and live briefly: the first compiler only halves the CPU a boot costs. */
const JVM = ['-Xms512m', '-Xmx1g', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

/** Starts one Puppet Server as Debian's own unit does, but in its own directory. */
export function startMaster(master: MasterLayout): void {
  const dir = masterDir(master)
  const { pid } = start({
    ...inDebian('java', [
      ...JVM,
      `-Djava.io.tmpdir=${dir}/tmp`,
      '-Djruby.lib=/usr/share/jruby/lib',
      '-Djruby.logger.class=com.puppetlabs.jruby_utils.jruby.Slf4jLogger',
      '-cp',
      `${compiledAhead()}:/usr/share/puppetserver/puppetserver.jar`,
      'puppetlabs.trapperkeeper.main',
      '--config',
      `${dir}/conf.d`,
      '--bootstrap-config',
      `${dir}/services.d`
    ]),
    cwd: dir,
    logFile: logOf(master)
  })
  writeFileSync(join(dir, 'pid'), String(pid))
}

/** Resolves once the master says that it runs; fails with its log when it ends before or never does. */
export const masterReady = (master: MasterLayout): Promise<void> =>
  serves(
    masterPid(master),
    logOf(master),
    async () => (await askMaster(master, '/status/v1/simple')).body === 'running',
    BOOT_DEADLINE_MS
  )

/** Ends a master; `SIGKILL` is the machine that loses its power. */
export const endMaster = (master: MasterLayout, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> =>
  end(masterPid(master), signal)

/** Starts a master anew: it believes headers, or looks at certificates itself. */
export async function restartMaster(master: MasterLayout, trustsHeaders: boolean): Promise<void> {
  await endMaster(master, 'SIGTERM')
  writeMasterConfig({ ...master, trustsHeaders })
  startMaster(master)
  await masterReady(master)
}

/**
 * Has a master that runs read its configuration anew; resolves once it serves again. Who asks it before may hang, and then
 * its web server takes half a minute to stop.
 */
export async function reloadMaster(master: MasterLayout): Promise<void> {
  const starts = () =>
    readFileSync(logOf(master), 'utf8').split('Puppet Server has successfully started').length
  const before = starts()
  process.kill(masterPid(master), 'SIGHUP')
  await serves(masterPid(master), logOf(master), async () => starts() > before, BOOT_DEADLINE_MS)
}

/** Freezes a master that runs, or lets it go on. */
export function signalMaster(master: MasterLayout, signal: 'SIGSTOP' | 'SIGCONT'): void {
  process.kill(masterPid(master), signal)
}

/** Process number of the last start. */
export const masterPid = (master: MasterLayout): number =>
  Number(readFileSync(join(masterDir(master), 'pid'), 'utf8'))

/** Asks a master directly, past the balancer, with its certificate and about no agent. */
export const askMaster = (master: MasterLayout, path: string): Promise<Answer> =>
  ask({ url: `${urlOf(master)}${path}`, trust: 'anything', ...(master.tls && { as: hopFiles() }) })

/** Compiles running on a master now, as it tells itself: certnames are not shown, only their number. */
export async function compilesOn(master: MasterLayout): Promise<number> {
  const { body } = await askMaster(master, '/status/v1/services/jruby-metrics?level=debug')
  return (body.match(/"uri":"\/puppet\/v3\/catalog\//g) ?? []).length
}

/** JRubies of a master that do nothing now, as it tells itself; `undefined`: it does not say. */
export async function freeJRubiesOn(master: MasterLayout): Promise<number | undefined> {
  const { body } = await askMaster(master, '/status/v1/services/jruby-metrics?level=debug')
  const told = body.match(/"num-free-jrubies":(\d+)/)?.[1]
  return told === undefined ? undefined : Number(told)
}

/** Request lines a master has served, each as `STATUS "METHOD PATH HTTP/1.1" …`. */
export const accessLogOf = (master: MasterLayout): readonly string[] =>
  readFileSync(join(masterDir(master), 'log/access.log'), 'utf8')
    .trim()
    .split('\n')

const logOf = ({ name }: MasterLayout): string => scratch('logs', `${name}.log`)
