/** What the path of a request means to a master. */
export type Target =
  | {
      readonly api: 'puppet'
      readonly indirection: string
      readonly key: string
      readonly environment: string | undefined
    }
  | { readonly api: 'ca'; readonly resource: string; readonly key: string }
  | { readonly api: 'status'; readonly path: readonly string[] }
  | { readonly api: 'admin'; readonly resource: string }
  | { readonly api: 'unsafe' }
  | { readonly api: 'none' }

/** Indirections that the shim for agents before Puppet 4 serves. */
const legacyIndirections = new Set([
  'node',
  'catalog',
  'file_metadata',
  'file_metadatas',
  'file_content',
  'file_bucket_file',
  'report',
  'facts'
])

/**
 * Reads a request target (without its query) as Puppet Server does: decoded, cut at `;`, refused with dot
 * segments. Version 3 paths begin with `puppet`, older ones with the environment.
 */
export function targetOf(rawPath: string): Target {
  const path = decoded(rawPath.split(';', 1)[0] ?? '')
  if (path === undefined || /(^|\/)\.\.?(\/|$)/.test(path)) return { api: 'unsafe' }
  const [, first = '', second = '', third = '', rest] =
    /^\/([^/]*)\/?([^/]*)\/?([^/]*)\/?(.*)$/s.exec(path) ?? []
  if (first === 'puppet-ca' && second === 'v1') return { api: 'ca', resource: third, key: rest ?? '' }
  if (first === 'puppet' && second === 'v3') {
    return { api: 'puppet', indirection: third, key: rest ?? '', environment: undefined }
  }
  if (first === 'puppet-admin-api' && second === 'v1') return { api: 'admin', resource: third }
  if (first === 'status' && second === 'v1') {
    return { api: 'status', path: [third, ...(rest ?? '').split('/')].filter(Boolean) }
  }
  return legacyTarget(path)
}

function legacyTarget(path: string): Target {
  const [, environment, indirection = '', key = ''] = /^\/(\w+)\/(\w+)\/(.+)$/s.exec(path) ?? []
  if (environment === undefined) return { api: 'none' }
  if (indirection.startsWith('certificate')) return { api: 'ca', resource: indirection, key }
  if (!legacyIndirections.has(indirection)) return { api: 'none' }
  return { api: 'puppet', indirection, key, environment }
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
