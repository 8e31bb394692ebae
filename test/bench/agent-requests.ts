const environment = 'environment=production'
const metadataQuery = `${environment}&links=manage&checksum_type=sha256&source_permissions=ignore`

/** Sizes as an ordinary node has them. */
const factsBytes = 20_480
const reportBytes = 30_720

/** The request bytes of an agent, with the headers Puppet 7 sends. */
export function agentRequest(
  method: 'GET' | 'POST' | 'PUT',
  target: string,
  more: readonly string[] = []
): Buffer {
  return Buffer.from(
    [
      `${method} ${target} HTTP/1.1`,
      'X-Puppet-Version: 7.23.0',
      'User-Agent: Puppet/7.23.0 Ruby/3.1.2-p20 (x86_64-linux)',
      'Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3',
      'Accept: application/json',
      'Host: puppet.bench.example:8140',
      ...more,
      '\r\n'
    ].join('\r\n')
  )
}

/** The metadata of one file: small question, 2 KB answer, most of what agents ask. */
export const metadataRequest = agentRequest(
  'GET',
  `/puppet/v3/file_metadata/modules/motd/motd?${metadataQuery}`
)

/**
 * One agent run in order: node, two requests of pluginsync, catalog, metadata of every file, report. 6 requests
 * are a run with static catalogs, 125 the same node without (Puppet's own load test recordings have these counts).
 */
export function agentRun(certname: string, requestCount: number): readonly Buffer[] {
  const metadatas = (mount: string) =>
    agentRequest('GET', `/puppet/v3/file_metadatas/${mount}?${metadataQuery}&recurse=true`)
  const frame = [
    agentRequest('GET', `/puppet/v3/node/${certname}?${environment}`),
    metadatas('pluginfacts'),
    metadatas('plugins'),
    withBody('POST', `/puppet/v3/catalog/${certname}?${environment}`, factsBytes)
  ]
  const report = withBody('PUT', `/puppet/v3/report/${certname}?${environment}`, reportBytes)
  const files = Array.from({ length: requestCount - frame.length - 1 }, () => metadataRequest)
  return [...frame, ...files, report]
}

function withBody(method: 'POST' | 'PUT', target: string, bytes: number): Buffer {
  const type = method === 'POST' ? 'application/x-www-form-urlencoded' : 'application/json'
  const head = agentRequest(method, target, [`Content-Type: ${type}`, `Content-Length: ${bytes}`])
  return Buffer.concat([head, Buffer.alloc(bytes, 'f')])
}
