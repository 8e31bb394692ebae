import { type AlertCase, of } from './alert-case.ts'

const queued = (le: string) => of('queue_seconds_bucket', `class="catalog",le="${le}"`)

/** Whether there is room, and the same code everywhere. */
export const capacity: readonly AlertCase[] = [
  {
    alert: 'PuppetLbPoolFull',
    series: { [of('headroom_agents', 'pool="default"')]: '20x5 -30x60' },
    quietAt: 30,
    firesAt: 40,
    labels: { pool: 'default' },
    summary: 'The pool default at lb-1 is full.'
  },
  {
    alert: 'PuppetLbNoSpareMaster',
    series: { [of('headroom_without_one_agents', 'pool="default"')]: '-30x200' },
    quietAt: 110,
    firesAt: 130,
    labels: { pool: 'default' },
    summary: 'The pool default at lb-1 would be full without one of its masters.'
  },
  {
    // A deployment takes some minutes.
    alert: 'PuppetLbCodeDiffers',
    series: { [of('code_versions', 'environment="production"')]: '1x5 2x10 1x5 3x30' },
    quietAt: 35,
    firesAt: 42,
    labels: { environment: 'production' },
    summary: 'Masters behind lb-1 serve 3 versions of production.'
  },
  {
    alert: 'PuppetLbAgentCertificatesEnd',
    series: {
      [of('agent_certificates_expiring', 'within="30d"')]: '4x100',
      [of('agent_certificates_expiring', 'within="90d"')]: '9x100'
    },
    quietAt: 50,
    firesAt: 70,
    labels: { within: '30d' },
    summary: 'The certificates of 4 agents of lb-1 end within 30 days.'
  },
  {
    alert: 'PuppetLbSaturated',
    series: { [of('utilization', 'pool="default"')]: '0.85x20 0.95x60' },
    quietAt: 30,
    firesAt: 40,
    labels: { pool: 'default' },
    summary: '95% of the JRubies of the pool default are at work, says lb-1.'
  },
  {
    alert: 'PuppetLbCatalogsWait',
    series: { [queued('120')]: '0x60', [queued('300')]: '0+60x60', [queued('+Inf')]: '0+60x60' },
    quietAt: 10,
    firesAt: 40,
    labels: { class: 'catalog' },
    summary: 'At lb-1 one catalog in a hundred waits for 4m 58s or longer.'
  },
  {
    alert: 'PuppetLbMasterSlow',
    series: compilesOf({ m1: 1, m2: 1, m3: 60 }),
    quietAt: 25,
    firesAt: 60,
    labels: { master: 'm3' },
    summary: 'm3 takes 45s for a catalog, three times what other masters take.'
  },
  {
    // Of two there is no median to go by.
    alert: 'PuppetLbMasterSlow',
    series: compilesOf({ m1: 1, m2: 60 }),
    quietAt: 25,
    firesAt: 60,
    labels: { master: 'm2' },
    summary: 'm2 takes 45s for a catalog, three times what other masters take.'
  },
  {
    // One that is fast makes the others not slow.
    alert: 'PuppetLbMasterSlow',
    series: compilesOf({ m1: 1, m2: 60, m3: 60 }),
    quietAt: 60
  }
]

/** Catalogs that take at most so many seconds, by master. */
function compilesOf(masters: Readonly<Record<string, 1 | 60>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(masters).flatMap(([master, atMost]) =>
      ['1', '30', '60', '+Inf'].map(le => [
        of('upstream_duration_seconds_bucket', `class="catalog",master="${master}",le="${le}"`),
        Number(le.replace('+Inf', 'Infinity')) < atMost ? '0x90' : '0+60x90'
      ])
    )
  )
}
