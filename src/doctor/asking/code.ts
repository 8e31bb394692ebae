import { isCause, type Wire } from '../../control/asking/wire.ts'
import type { CodeFacts } from '../facts.ts'
import { pretending } from './identity.ts'

/** The environment of agents that name none. */
const usual = 'production'

/**
 * Asks for the environments a master has, and for the plugins of one of them with their checksums: the list that each
 * agent asks for at the begin of its run, over all modules. `undefined`: it does not say.
 */
export async function askCode(wire: Wire): Promise<CodeFacts | undefined> {
  const environments = namesOf(await bodyOf(wire, '/puppet/v3/environments'))
  if (environments === undefined || environments.length === 0) return undefined
  const environment = environments.includes(usual) ? usual : (environments[0] as string)
  const query = new URLSearchParams({
    environment,
    recurse: 'true',
    links: 'follow',
    checksum_type: 'sha256',
    source_permissions: 'ignore'
  })
  const plugins = pluginsOf(await bodyOf(wire, `/puppet/v3/file_metadatas/plugins?${query}`))
  return { environments, environment, plugins }
}

async function bodyOf(wire: Wire, path: string): Promise<unknown> {
  const answer = await wire.ask({ path, headers: pretending })
  if (isCause(answer) || answer.status !== 200) return undefined
  return parsed(answer.body)
}

/** `undefined` for what is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function namesOf(body: unknown): readonly string[] | undefined {
  const { environments } = (body ?? {}) as { readonly environments?: unknown }
  return typeof environments === 'object' && environments !== null
    ? Object.keys(environments).sort()
    : undefined
}

function pluginsOf(body: unknown): CodeFacts['plugins'] {
  if (!Array.isArray(body)) return undefined
  const files = body.flatMap((each): [string, string][] => {
    const {
      relative_path: path,
      checksum,
      type
    } = (each ?? {}) as {
      readonly relative_path?: unknown
      readonly checksum?: { readonly value?: unknown }
      readonly type?: unknown
    }
    // A directory has the time it changed for a checksum.
    return type === 'file' && typeof path === 'string' ? [[path, String(checksum?.value)]] : []
  })
  return new Map(files)
}
