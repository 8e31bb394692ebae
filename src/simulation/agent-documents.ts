import type { Runtime } from '../model/runtime.ts'

/** The body of a catalog request: facts as JSON, escaped twice as agents do, inside a form. */
export function catalogForm(agent: {
  readonly certname: string
  readonly environment: string
  readonly transactionUuid: string
  /** Facts beside the padding. */
  readonly facts: Readonly<Record<string, unknown>>
  /** Length that the facts are filled up to before escaping. */
  readonly factsBytes: number
  readonly format: string
  readonly staticCatalog: boolean
}): string {
  const { certname, environment } = agent
  const facts = padded(agent.factsBytes, padding => {
    return JSON.stringify({ name: certname, values: { ...agent.facts, ...padding } })
  })
  return new URLSearchParams({
    facts_format: agent.format,
    facts: encodeURIComponent(facts),
    environment,
    transaction_uuid: agent.transactionUuid,
    static_catalog: String(agent.staticCatalog),
    checksum_type: 'sha256.sha512.sha384.sha224.md5'
  }).toString()
}

/** A report, filled up to `bytes`. */
export function reportDocument(
  report: Readonly<{ certname: string; environment: string; transactionUuid: string; status: string }>,
  bytes: number
): string {
  const { certname: host, transactionUuid: transaction_uuid, ...rest } = report
  return padded(bytes, padding =>
    JSON.stringify({ host, transaction_uuid, ...rest, report_format: 12, ...padding })
  )
}

/** A random identifier of a run. */
export function transactionUuid({ random }: Runtime): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('')
  return digits.replace(/^(.{8})(.{4}).(.{3})(.{4})(.{12})$/, '$1-$2-4$3-$4-$5')
}

function padded(bytes: number, make: (padding: { readonly padding?: string }) => string): string {
  const bare = make({ padding: '' }).length
  return bytes <= bare ? make({}) : make({ padding: 'f'.repeat(bytes - bare) })
}
