import type { Runtime } from '../model/runtime.ts'

/** What the documents of one run say of it. */
export interface RunIdentity {
  readonly certname: string
  readonly environment: string
  readonly transactionUuid: string
}

/** Length of the facts in bytes, before escaping; about twice that goes over the wire. */
const factsBytes = 10_000
/** Length of a report in bytes. */
const reportBytes = 7_000

/** The body of a catalog request: facts as JSON, escaped twice as agents do, inside a form. */
export function catalogForm(run: RunIdentity, facts: Readonly<Record<string, unknown>>): string {
  const { certname, environment, transactionUuid } = run
  const document = padded(factsBytes, padding => {
    return JSON.stringify({ name: certname, values: { ...facts, ...padding } })
  })
  return new URLSearchParams({
    facts_format: 'application/json',
    facts: encodeURIComponent(document),
    environment,
    transaction_uuid: transactionUuid,
    static_catalog: 'false',
    checksum_type: 'sha256.sha512.sha384.sha224.md5'
  }).toString()
}

/** A report; `status` is `changed` or `unchanged`. */
export function reportDocument(
  { certname, environment, transactionUuid }: RunIdentity,
  status: string
): string {
  const report = { host: certname, environment, transaction_uuid: transactionUuid, status, report_format: 12 }
  return padded(reportBytes, padding => JSON.stringify({ ...report, ...padding }))
}

/** A random identifier of a run. */
export function transactionUuid({ random }: Runtime): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('')
  return digits.replace(/^(.{8})(.{4}).(.{3})(.{4})(.{12})$/, '$1-$2-4$3-$4-$5')
}

function padded(bytes: number, make: (padding: { readonly padding: string }) => string): string {
  const bare = make({ padding: '' }).length
  return make({ padding: 'f'.repeat(Math.max(0, bytes - bare)) })
}
