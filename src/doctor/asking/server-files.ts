import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readListFile } from '../../config/revocation-lists.ts'
import { CrlError } from '../../pki/crl-error.ts'
import type { OwnList, ServerFiles } from '../facts.ts'
import { authorityDirectories, serverConfigurations } from '../places.ts'

/** Where to look for a Puppet Server on this machine; left out: where packages put it. */
export interface ServerPlaces {
  /** Its `conf.d`. */
  readonly serverDir?: string | undefined
  /** The directory of the CA, which holds `ca_crl.pem`. */
  readonly caDir?: string | undefined
}

/** The configuration of a Puppet Server on this machine, as far as this user may read it; `undefined`: there is none. */
export function readServerFiles({ serverDir }: ServerPlaces): ServerFiles | undefined {
  const directory = serverDir ?? serverConfigurations.find(existsSync)
  if (directory === undefined) return undefined
  const [auth, ca, webserver] = ['auth.conf', 'ca.conf', 'webserver.conf'].map(name =>
    textOf(join(directory, name))
  )
  return { directory, auth, ca, webserver }
}

/**
 * The CA's own full list. `undefined`: there is none, or this user may not read it. Throws an Error when the directory
 * was named and has none.
 */
export function readOwnList({ caDir }: ServerPlaces): OwnList | undefined {
  const directory = caDir ?? authorityDirectories.find(existsSync)
  if (directory === undefined) return undefined
  const file = join(directory, 'ca_crl.pem')
  try {
    return { file, bytes: readListFile(file).bytes, isNamed: caDir !== undefined }
  } catch (error) {
    if (caDir === undefined && error instanceof CrlError) return undefined
    throw new Error(`--ca-dir: ${file} ${(error as Error).message}`, { cause: error })
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
