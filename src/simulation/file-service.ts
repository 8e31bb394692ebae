import { createHash } from 'node:crypto'
import { type Answer, json, octets } from './answer.ts'
import { generatedBody, generatedSha256 } from './generated-body.ts'
import type { MasterCall, Service } from './master-call.ts'

/** What decides over the files a master serves. */
export interface FileSettings {
  /** Length of a module's file. */
  readonly fileBytes: number
  /** How many files pluginsync finds. */
  readonly plugins: number
  /** Part of every file, so that masters with different code serve different content. */
  readonly codeVersion: () => string
}

/** The file server: any path under `modules/`, the plugins, and `generated/<bytes>` of any length. */
export interface FileService {
  readonly services: Readonly<
    Record<'file_metadata' | 'file_metadatas' | 'file_content' | 'static_file_content', Service>
  >
  /** Metadata of a mount and path, or `undefined` where there is no such file. */
  readonly metadataOf: (path: string) => object | undefined
}

export function createFileService(settings: FileSettings): FileService {
  const plugins = new Set(
    Array.from({ length: settings.plugins }, (_, i) => `plugins/lib/facter/demo_${i}.rb`)
  )

  const exists = (path: string) => plugins.has(path) || /^modules\/[^/]+\/(?!absent(\/|$))./.test(path)

  const contentOf = (path: string): Buffer => {
    const line = `# ${path} of ${settings.codeVersion()}\n`
    return Buffer.alloc(Math.max(settings.fileBytes, line.length), line)
  }

  const metadataOf = (path: string) => {
    const generated = generatedBytes(path)
    if (generated !== undefined) return fileMetadata(path, generatedSha256(generated))
    if (!exists(path)) return undefined
    return fileMetadata(path, createHash('sha256').update(contentOf(path)).digest('hex'))
  }

  const metadata = ({ key }: MasterCall): Answer => {
    const found = metadataOf(key)
    return found === undefined ? absent('file_metadata', key) : json(200, found)
  }

  const metadatas = ({ key, parameters }: MasterCall): Answer => {
    const below = parameters.get('recurse') === 'false' || key !== 'plugins' ? [] : [...plugins]
    if (key === 'plugins' || key === 'pluginfacts' || key === 'locales') {
      return json(200, [directoryMetadata(key), ...below.map(path => relativeTo(key, metadataOf(path)))])
    }
    const found = metadataOf(key)
    return found === undefined ? absent('file_metadata', key) : json(200, [found])
  }

  const content = ({ key }: MasterCall): Answer => {
    const generated = generatedBytes(key)
    if (generated !== undefined) return octets(generatedBody(generated), generated)
    if (!exists(key)) return absent('file_content', key)
    const body = contentOf(key)
    return octets(body, body.length)
  }

  return {
    metadataOf,
    services: {
      file_metadata: { access: 'authenticated', work: 'light', serve: metadata },
      file_metadatas: { access: 'authenticated', work: 'light', serve: metadatas },
      file_content: { access: 'authenticated', work: 'light', serve: content },
      static_file_content: { access: 'authenticated', work: 'none', serve: content }
    }
  }
}

function generatedBytes(path: string): number | undefined {
  const [, bytes] = /^generated\/(\d{1,15})$/.exec(path) ?? []
  return bytes === undefined ? undefined : Number(bytes)
}

function fileMetadata(path: string, sha256: string) {
  return {
    path: `/etc/puppetlabs/code/${path}`,
    relative_path: null,
    links: 'manage',
    owner: 0,
    group: 0,
    mode: 0o644,
    checksum: { type: 'sha256', value: `{sha256}${sha256}` },
    type: 'file',
    destination: null
  }
}

function directoryMetadata(mount: string) {
  return {
    path: `/etc/puppetlabs/code/${mount}`,
    relative_path: '.',
    links: 'manage',
    owner: 0,
    group: 0,
    mode: 0o755,
    checksum: { type: 'ctime', value: '{ctime}1970-01-01 00:00:00 +0000' },
    type: 'directory',
    destination: null
  }
}

function relativeTo(mount: string, metadata: ReturnType<typeof fileMetadata> | undefined) {
  const prefix = `/etc/puppetlabs/code/${mount}/`
  return { ...metadata, path: prefix.slice(0, -1), relative_path: metadata?.path.slice(prefix.length) }
}

function absent(indirection: string, key: string): Answer {
  const message = `Not Found: Could not find ${indirection} ${key}`
  return json(404, { message, issue_kind: 'RESOURCE_NOT_FOUND' })
}
