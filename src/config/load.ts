import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { type Runtime, systemRuntime } from '../model/runtime.ts'
import type { AdminBoot, Config } from '../model/settings.ts'
import { readAdminToken } from './admin-token.ts'
import { adminBootOf, bootOf, settingsOf } from './assemble.ts'
import type { Environment } from './environment.ts'
import { explain } from './explain.ts'
import type { FileContext } from './files.ts'
import { unusableDirectories } from './kept-directories.ts'
import { likelySlips } from './likely-slips.ts'
import { reportLogFile } from './log-file.ts'
import { openDirectory } from './open-directory.ts'
import { inOrder, judge, openFile } from './open-file.ts'
import { ConfigError, type Culprit, formatPath, formatProblem, type Path, type Problem } from './problems.ts'
import { routeWarnings } from './route-warnings.ts'
import { schema } from './schema.ts'
import { type Draft, readDraft } from './schema-tree.ts'
import { readTlsFiles } from './tls-files.ts'

export interface LoadOptions {
  readonly wallClock?: Runtime['wallClock']
  /**
   * `now` reads revocation lists too, which takes a second for very long ones. `later` leaves it to who puts the
   * configuration in force.
   */
  readonly lists?: 'now' | 'later'
  /**
   * Whether this process is to log to `log.file`: then that is looked at with all the rest. With `lists: 'later'` only when
   * something else is wrong, for whoever puts the configuration in force opens it.
   */
  readonly logs?: boolean
}

/**
 * Reads a configuration file, lays `PUPPET_LB_…` variables over it, reads the files it names, and freezes the
 * result. Throws a ConfigError with every problem there is. Nothing else is touched: no network, no other file.
 */
export function loadConfig(
  file: string,
  env: Environment,
  { wallClock = systemRuntime.wallClock, lists = 'now', logs = false }: LoadOptions = {}
): Config {
  const opened = openFile(file, env)
  const { data, placeOf, problems, files, report, reportVariable } = opened
  const { result, draft } = judge(opened)
  const absolute = resolve(file)
  const warnings = warningsOf(draft, placeOf)
  const warn = (path: Path, text: string) => {
    warnings.push(formatProblem({ where: placeOf(path), key: formatPath(path), text }))
  }
  const readsLists = lists === 'now'
  const context = { directory: dirname(absolute), nowMs: wallClock(), report, warn, readsLists, files }
  const tlsFiles = readTlsFiles(draft, context)
  checkEnrolled(draft, opened.isFilledIn, context)
  const token = readAdminToken(draft, env, context, reportVariable)
  if (readsLists) for (const { path, text } of unusableDirectories(draft, context.directory)) warn(path, text)
  const open = openDirectory(draft, context.directory)
  if (open) warn(open.path, open.text)
  if (logs && (readsLists || problems.length > 0)) reportLogFile(draft, context)
  if (problems.length > 0 || !result.data) throw new ConfigError(inOrder(problems), [...files])
  const settings = settingsOf(result.data, tlsFiles, {
    places: {
      of: placeOf,
      crl: placeOf(['tls', 'crl', draft.tls?.crl?.file === undefined ? 'fetch' : 'file']),
      logFile: placeOf(['log', 'file'])
    },
    directory: context.directory
  })
  for (const { path, text } of [...likelySlips(data, draft), ...routeWarnings(settings)]) warn(path, text)
  return deepFreeze({
    file: absolute,
    files: [...files],
    boot: bootOf(result.data, token),
    settings,
    warnings
  })
}

/** What enrolment brings and is not there yet has its own remedy. */
function checkEnrolled(
  { tls }: Draft,
  isFilledIn: (path: Path) => boolean,
  { directory, report }: Pick<FileContext, 'directory' | 'report'>
): void {
  const named = [
    [['tls', 'cert'], tls?.cert],
    [['tls', 'key'], tls?.key],
    [['tls', 'ca'], tls?.ca],
    [['tls', 'crl', 'file'], tls?.crl?.file]
  ] as const
  const isMissing = named.some(
    ([path, file]) => isFilledIn(path) && typeof file === 'string' && !existsSync(resolve(directory, file))
  )
  if (!isMissing) return
  const text =
    'is not done yet, so its files are not there; serve does it at its start, and so does puppet-lb enroll'
  report(['enroll'], text, { culprit: 'key' })
}

/**
 * Where a balancer with this configuration has its admin listener. Whoever asks a running one may well have a file
 * that is wrong by now, so nothing but the group `admin` is judged. `isUsable`: whether this user may use a socket. Throws a ConfigError with what is wrong in it.
 */
export function loadAdmin(file: string, env: Environment, isUsable: (socket: string) => boolean): AdminBoot {
  const { data, problems, files, report, reportVariable } = openFile(file, env)
  const result = schema.safeParse(data)
  if (result.error) explain(result.error.issues, report)
  const draft = readDraft(data)
  const directory = dirname(resolve(file))
  const context = { directory, nowMs: 0, report, warn: () => {}, readsLists: false, files }
  const socket = draft.admin?.socket
  // Whoever may use the socket needs no token, so what is wrong with that one is no hindrance.
  const wantsToken = socket === undefined || !isUsable(socket)
  const token = wantsToken ? readAdminToken(draft, env, context, reportVariable) : undefined
  const wrong = problems.filter(({ where, key = where }) => /^(admin\b|env:PUPPET_LB_ADMIN_)/.test(key))
  const admin = adminSchema.safeParse(data)
  if (wrong.length > 0 || !admin.data) throw new ConfigError(inOrder(wrong), [...files])
  return adminBootOf(admin.data.admin, token)
}

const adminSchema = z.object({ admin: schema.shape.admin })

function warningsOf(
  { admin, tls, state, enroll, masters, discovery }: Draft,
  placeOf: (path: Path, culprit?: Culprit) => string
): string[] {
  const warnings: Problem[] = []
  if (admin?.allow) {
    const text =
      'is called access.administrators now, and is taken under its old name for one release; must be moved'
    warnings.push({ where: placeOf(['admin', 'allow'], 'key'), key: 'admin.allow', text })
  }
  if (enroll && masters?.length === 0 && !discovery?.srv) {
    const text = 'is missing: the CA is the one master, as on a site with one server'
    warnings.push({ where: placeOf(['enroll'], 'key'), key: 'masters', text })
  }
  if (tls && !tls.crl) {
    const text =
      'is missing: masters trust the identity headers of this proxy and check no revocation themselves, so a revoked ' +
      "agent is served; must be `crl: { fetch: true }`, or name a file of the CA's revocation lists"
    warnings.push({ where: placeOf(['tls']), key: 'tls.crl', text })
  }
  if (tls?.crl?.fetch && tls.crl.directory === undefined && state?.directory === undefined) {
    const text =
      'is true, and what is fetched is kept nowhere: a start while the CA is away refuses every agent; should be beside ' +
      'tls.crl.directory, or state.directory'
    warnings.push({ where: placeOf(['tls', 'crl', 'fetch']), key: 'tls.crl.fetch', text })
  }
  if (tls?.profile === 'legacy') {
    const text =
      'is legacy, which is dangerous: ciphers and signatures that can be broken are accepted from every agent; should ' +
      'be modern as soon as no host with an OpenSSL before 1.0.1 is left'
    warnings.push({ where: placeOf(['tls', 'profile']), key: 'tls.profile', text })
  }
  return warnings.map(formatProblem)
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}
