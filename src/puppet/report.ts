/** Of a report, so much is looked at. What is looked for stands in its first few hundred bytes. */
export const REPORT_HEAD_BYTES = 4_096

/** Whether the target of a request of class `report` is a run's report. Facts are sent like one as well. */
export function isReport(target: string): boolean {
  return target.includes('/report/')
}

/**
 * Whether a run failed, as the beginning of its report says; `undefined` when that is no JSON or PSON, or does not say.
 * `status` stands before logs and resources (`lib/puppet/transaction/report.rb`, `to_data_hash`, since 3.0), and text in
 * JSON cannot hold the same bytes, since its quotes are escaped. Reports of 2.7 are YAML.
 */
export function hasRunFailed(head: string): boolean | undefined {
  const [, status] = /"status"\s*:\s*"(failed|changed|unchanged)"/.exec(head) ?? []
  return status === undefined ? undefined : status === 'failed'
}
