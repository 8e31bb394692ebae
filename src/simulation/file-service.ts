import { createHash } from 'node:crypto'
import { type Answer, json, octets } from './answer.ts'
import type { MasterCall, Service } from './master-call.ts'

/** Length of a file, unless somebody says otherwise. */
const USUAL_BYTES = 2048
/** What pluginsync finds. */
const plugins = [0, 1, 2].map(i => `plugins/lib/facter/demo_${i}.rb`)

/**
 * The file server: any path under a module but `absent`, and the plugins. `codeVersion` is part of every file, so
 * that masters with different code serve different content. `fileBytes` gives the length of a file by its path.
 */
export function createFileServices(
  codeVersion: string,
  fileBytes: (path: string) => number = () => USUAL_BYTES
): Readonly<Record<'file_metadata' | 'file_metadatas' | 'file_content' | 'static_file_content', Service>> {
  const contentOf = (path: string): Buffer | undefined => {
    if (!plugins.includes(path) && !/^modules\/[^/]+\/(?!absent(\/|$))./.test(path)) return undefined
    return Buffer.alloc(fileBytes(path), `# ${path} of ${codeVersion}\n`)
  }

  const metadataOf = (path: string) => {
    const found = contentOf(path)
    return found && fileMetadata(path, createHash('sha256').update(found).digest('hex'))
  }

  const metadata = ({ key }: MasterCall): Answer => {
    const found = metadataOf(key)
    return found === undefined ? absent('file_metadata', key) : json(200, found)
  }

  const metadatas = ({ key, parameters }: MasterCall): Answer => {
    const below = parameters.get('recurse') === 'false' || key !== 'plugins' ? [] : plugins
    if (key === 'plugins' || key === 'pluginfacts' || key === 'locales') {
      return json(200, [directoryMetadata(key), ...below.map(path => relativeTo(key, metadataOf(path)))])
    }
    const found = metadataOf(key)
    return found === undefined ? absent('file_metadata', key) : json(200, [found])
  }

  const content = ({ key }: MasterCall): Answer => {
    const found = contentOf(key)
    return found === undefined ? absent('file_content', key) : octets(found)
  }

  return {
    file_metadata: { access: 'authenticated', work: 'light', serve: metadata },
    file_metadatas: { access: 'authenticated', work: 'light', serve: metadatas },
    file_content: { access: 'authenticated', work: 'light', serve: content },
    static_file_content: { access: 'authenticated', work: 'none', serve: content }
  }
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
