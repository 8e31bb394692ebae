import { of, requests } from './alert-case.ts'

/** The minute in which the balancers are started anew, and cannot be asked. */
export const RESTART_AT = 100
const MINUTES = 200
const DAY_S = 86_400

/** One sample a minute, in the notation of promtool; none in the minute of the restart. */
function minutes(valueAt: (sinceStart: number, minute: number) => number | '_'): string {
  return Array.from({ length: MINUTES }, (_, minute) => {
    if (minute === RESTART_AT) return '_'
    return valueAt(minute < RESTART_AT ? minute : minute - RESTART_AT - 1, minute)
  }).join(' ')
}

const always = (value: number) => minutes(() => value)
/** Counts up from 0, and does so again. */
const counted = (perMinute: number) => minutes(sinceStart => Math.floor(sinceStart * perMinute))
/** Begins with its first event, and after the restart there is none yet. */
const onceBefore = minutes((_, minute) => (minute < RESTART_AT ? 1 : '_'))
/** Known after five minutes. */
const later = (value: number) => minutes(sinceStart => (sinceStart < 5 ? '_' : value))

/** A site of two balancers with a few faults, as every day has, on a day when both are started anew. */
export const calmSite: Readonly<Record<string, string>> = Object.assign({}, ...['lb-1', 'lb-2'].map(seriesOf))

function seriesOf(instance: string): Readonly<Record<string, string>> {
  const metric = (name: string, labels = '') => of(name, labels, instance)
  const ofMaster = (master: string) => ({
    [metric('master_up', `master="${master}"`)]: always(1),
    [metric('master_mode', `master="${master}",mode="active"`)]: always(1),
    [metric('master_mode', `master="${master}",mode="drained"`)]: always(0),
    [metric('ejections_total', `master="${master}",fault="connects"`)]: onceBefore,
    [requests(`class="catalog",master="${master}",code="200"`, instance)]: counted(60),
    [requests(`class="catalog",master="${master}",code="500"`, instance)]: counted(0.5),
    [requests(`class="catalog",master="${master}",code="499"`, instance)]: counted(0.5),
    ...Object.fromEntries(
      ['5', '10', '+Inf'].map(le => [
        metric('upstream_duration_seconds_bucket', `class="catalog",master="${master}",le="${le}"`),
        counted(le === '5' ? 50 : 60)
      ])
    )
  })
  return {
    [`up{job="puppet-lb",instance="${instance}"}`]: minutes(() => 1).replace('_', '0'),
    ...ofMaster('m1'),
    ...ofMaster('m2'),
    [metric('master_up', 'master="ca"')]: always(1),
    [metric('pool_masters_up', 'pool="default"')]: always(2),
    [requests('class="catalog",master="",code="503"', instance)]: counted(0.2),
    [metric('shed_total', 'reason="no-master"')]: counted(0.2),
    [metric('tls_handshakes_total', 'result="success"')]: counted(60),
    [metric('tls_handshakes_total', 'result="failure"')]: counted(1),
    [metric('client_verify_total', 'result="success"')]: counted(60),
    [metric('client_verify_total', 'result="failed"')]: counted(1),
    [metric('limit_refusals_total', 'limit="perCertname"')]: onceBefore,
    [metric('code_versions', 'environment="production"')]: later(1),
    [metric('agent_certificates_expiring', 'within="30d"')]: always(0),
    [metric('agent_certificates_expiring', 'within="90d"')]: always(7),
    [metric('utilization', 'pool="default"')]: always(0.6),
    [metric('headroom_agents', 'pool="default"')]: later(400),
    [metric('headroom_without_one_agents', 'pool="default"')]: later(50),
    ...Object.fromEntries(
      ['1', '120', '300', '+Inf'].map(le => [
        metric('queue_seconds_bucket', `class="catalog",le="${le}"`),
        counted(le === '1' ? 100 : 120)
      ])
    ),
    [metric('certificate_not_after_timestamp_seconds', 'cert="server"')]: always(400 * DAY_S),
    [metric('own_certificate_state', 'state="good"')]: always(1),
    [metric('own_certificate_state', 'state="revoked"')]: always(0),
    [metric('own_certificate_state', 'state="renewal-due"')]: always(0),
    [metric('crl_fetch_success_timestamp_seconds')]: minutes((_, minute) => minute * 60),
    [metric('crl_fetch_failures_total', 'cause="timeout"')]: onceBefore,
    [metric('crl_next_update_timestamp_seconds')]: always(300 * DAY_S),
    [metric('crl_refused_total', 'reason="older"')]: onceBefore,
    [metric('config_last_reload_success')]: always(1),
    [metric('dns_failures_total', 'name="m1.example.com"')]: onceBefore,
    [metric('proxy_headers_refused_total', 'reason="absent"')]: onceBefore,
    [metric('tcp_connections_total', 'port="8141",master="old-1",end="complete"')]: counted(6),
    [metric('log_lines_lost_total')]: counted(0),
    [metric('log_faults_total', 'fault="reopen"')]: counted(0)
  }
}
