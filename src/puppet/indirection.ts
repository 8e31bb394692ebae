import { type Endpoint, type EndpointClass, endpoint } from './endpoint-class.ts'

/** One of Puppet's indirections, as the endpoints of the three kinds of request it takes. */
export interface Indirection {
  /** GET and HEAD. */
  readonly read: Endpoint
  /** POST. */
  readonly post: Endpoint
  /** PUT, DELETE and whatever else. */
  readonly write: Endpoint
}

/**
 * The indirection of a path segment, singular or plural, or `undefined` for a name that is none. Serves both
 * `/<env>/<indirection>/<key>` and `/puppet/v3/<indirection>/<key>`: from Puppet 2.6 on they differ in where
 * the environment stands, not in the names. Certificates are missing on purpose: `classify` sends everything
 * that begins with `certificate` to the CA before it asks here.
 */
export function indirectionNamed(segment: string): Indirection | undefined {
  return bySegment.get(segment)
}

/** What a method does to an indirection (the verb map of Puppet's `indirected_routes.rb`). */
export function endpointFor(indirection: Indirection, method: string): Endpoint {
  if (method === 'GET' || method === 'HEAD') return indirection.read
  return method === 'POST' ? indirection.post : indirection.write
}

/**
 * An indirection nobody runs twice by accident: reading has no effect, and a POST is a read as well, because
 * agents send any find whose request line would exceed 1024 bytes as a form (Puppet 3 `indirector/rest.rb`).
 */
function findable(endpointClass: EndpointClass, writeClass: EndpointClass = endpointClass): Indirection {
  const read = endpoint(endpointClass, { repeatable: true })
  return Object.freeze({ read, post: read, write: endpoint(writeClass) })
}

/**
 * Where a run begins and where its catalog begins: the two places where an agent that is told to come back later
 * loses nothing (agents before 6.14 do not understand it at file content, and a report is the end of a run).
 */
function deferrable(endpointClass: EndpointClass): Indirection {
  const read = endpoint(endpointClass, { repeatable: true, deferrable: true })
  return Object.freeze({ read, post: read, write: endpoint(endpointClass) })
}

const other = findable('other')
const light = findable('light')
/** Written only: no master finds a report, so a POST is not taken for a harmless read. */
const report: Indirection = Object.freeze({
  read: endpoint('other', { repeatable: true }),
  post: endpoint('report'),
  write: endpoint('report')
})
/** A plain GET route of Puppet Server without a verb map: a POST of it means nothing and is not repeated. */
const staticContent: Indirection = Object.freeze({
  read: endpoint('static', { repeatable: true }),
  post: endpoint('static'),
  write: endpoint('static')
})

const bySingular: ReadonlyMap<string, Indirection> = new Map([
  ['catalog', deferrable('catalog')],
  ['node', deferrable('light')],
  ['file_metadata', light],
  ['file_content', light],
  ['file_bucket_file', findable('filebucket')],
  ['status', findable('status')],
  ['facts', findable('other', 'report')],
  ['report', report],
  ['data_binding', other],
  ['instrumentation_data', other],
  ['instrumentation_listener', other],
  ['instrumentation_probe', other],
  ['inventory', other],
  ['key', other],
  ['resource', other],
  ['resource_type', other],
  ['run', other]
])

/** Puppet strips `_search` or a trailing `s`; `status` becomes `statuses` (Puppet 3 `network/http/api/v1.rb`). */
const bySegment: ReadonlyMap<string, Indirection> = new Map([
  ...[...bySingular].flatMap(([name, indirection]): [string, Indirection][] => [
    [name, indirection],
    [name === 'status' ? 'statuses' : `${name}s`, indirection],
    [`${name}_search`, indirection]
  ]),
  ['static_file_content', staticContent]
])
