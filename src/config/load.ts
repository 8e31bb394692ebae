import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import { type Runtime, systemRuntime } from '../model/runtime.ts'
import type { Config } from '../model/settings.ts'
import { checkConsistency } from './consistency.ts'
import { type Environment, override } from './environment.ts'
import { explain } from './explain.ts'
import { readFailure } from './files.ts'
import { ConfigError, formatPath, type Problem, type Report } from './problems.ts'
import { type Settings, schema } from './schema.ts'
import { fillEmptyGroups, readDraft } from './schema-tree.ts'
import { readSource } from './source.ts'
import { readTlsFiles, type TlsFiles } from './tls-files.ts'

/**
 * Reads a configuration file, lays `PUPPET_LB_…` variables over it, reads the files it names, and freezes the
 * result. Throws a ConfigError with every problem there is. Nothing else is touched: no network, no other file.
 */
export function loadConfig(
  file: string,
  env: Environment,
  { wallClock }: Pick<Runtime, 'wallClock'> = systemRuntime
): Config {
  const source = readSource(file, readText(file))
  if (source.data === undefined) throw new ConfigError(source.problems)
  const problems = [...source.problems]
  const { data, variableOf } = override(fillEmptyGroups(source.data), env, (name, text) => {
    problems.push({ where: `env:${name}`, key: undefined, text })
  })
  const report: Report = (path, text, culprit) => {
    const variable = variableOf(path)
    const where = variable === undefined ? source.locate(path, culprit) : `env:${variable}`
    problems.push({ where, key: formatPath(path), text })
  }

  const result = schema.safeParse(data)
  if (result.error) explain(result.error.issues, report)
  const draft = readDraft(data)
  checkConsistency(draft, report)
  const directory = dirname(resolve(file))
  const files = readTlsFiles(draft, { directory, nowMs: wallClock(), report })
  if (problems.length > 0 || !result.data) throw new ConfigError(inOrder(problems))
  return deepFreeze(assemble(resolve(file), result.data, files))
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const text = `cannot be read, ${readFailure(error)} at ${resolve(file)}; must be a configuration file`
    throw new ConfigError([{ where: file, key: undefined, text }])
  }
}

/** By line and column, then what came from the environment. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const position = ({ where }: Problem): readonly [number, number] => {
    const [, line, column] = /:(\d+):(\d+)$/.exec(where) ?? []
    return line === undefined ? [Number.MAX_SAFE_INTEGER, 0] : [Number(line), Number(column)]
  }
  return problems.toSorted((a, b) => {
    const [lineA, columnA] = position(a)
    const [lineB, columnB] = position(b)
    return lineA - lineB || columnA - columnB
  })
}

function assemble(file: string, settings: Settings, files: TlsFiles): Config {
  const { listen, ca, masters, upstream, health, balance, queue, admin, log } = settings
  const caText = files.ca?.text ?? ''
  const crl = settings.tls.crl
  return {
    file,
    listen: {
      host: listen.host,
      port: listen.port,
      workers: listen.workers === 'auto' ? availableParallelism() : listen.workers,
      drainTimeoutMs: listen.drainTimeout
    },
    tls: {
      certificates: files.certificates,
      ca: caText,
      caFile: files.ca?.file ?? '',
      crl: crl && files.crlFile !== undefined ? { file: files.crlFile, refreshMs: crl.refresh } : undefined
    },
    ca,
    masters,
    upstream: {
      tls: {
        ca: files.upstreamCa?.text ?? caText,
        client: files.upstreamClient,
        serverName: upstream.tls.serverName,
        verify: !upstream.tls.dangerouslySkipVerification
      },
      connectTimeoutMs: upstream.connectTimeout,
      responseTimeoutMs: upstream.responseTimeout
    },
    health: {
      path: health.path,
      intervalMs: health.interval,
      timeoutMs: health.timeout,
      rise: health.rise,
      fall: health.fall
    },
    balance: {
      policy: balance.policy,
      affinity: balance.affinity ?? (balance.policy === 'least-loaded' ? 'phase' : 'none')
    },
    queue: { limit: queue.limit, timeoutMs: queue.timeout, shedAboveMs: queue.shedAbove },
    admin,
    log
  }
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}
