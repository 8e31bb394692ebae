/** What a Prometheus would have seen of the balancer `lb-1`, and what it is to say then. */
export interface AlertCase {
  readonly alert: string
  /** Samples of each series, one a minute, in the notation of promtool: `1x5` is six times 1, `0+60x5` counts up. */
  readonly series: Readonly<Record<string, string>>
  /** Minutes since the start at which it must not fire yet. */
  readonly quietAt: number
  /** Minutes at which it must. Without it the case shows that it never does. */
  readonly firesAt?: number
  /** Labels of the alert, beside its severity, `job` and `instance`. */
  readonly labels?: Readonly<Record<string, string>>
  readonly summary?: string
  /** For an alert that is about all balancers together: it names none. */
  readonly isOfAll?: true
  /** There is no other balancer than those named here. */
  readonly isWholeSite?: true
}

/** A series of one balancer: `of('in_flight', 'master="m1"')`. */
export function of(name: string, labels = '', instance = 'lb-1'): string {
  return `puppet_lb_${name}{job="puppet-lb",instance="${instance}"${labels && `,${labels}`}}`
}

/** Its requests that carry these labels. */
export const requests = (labels: string, instance?: string): string => of('requests_total', labels, instance)
