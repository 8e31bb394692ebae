/** Who is compared, ours first. */
export const peerNames = [
  'puppet-lb',
  'haproxy-expert',
  'haproxy-phase',
  'haproxy-priority',
  'haproxy-maxconn',
  'haproxy',
  'nginx'
] as const
export type PeerName = (typeof peerNames)[number]

/** What tables and charts call them. */
export const peerTitles: Readonly<Record<PeerName, string>> = {
  'puppet-lb': 'puppet-lb',
  'haproxy-expert': 'HAProxy expert: priority, stick table',
  'haproxy-phase': 'HAProxy expert, catalogs choose anew',
  'haproxy-priority': 'HAProxy priority, no stick table',
  'haproxy-maxconn': 'HAProxy leastconn, maxconn = JRubies',
  haproxy: 'HAProxy leastconn',
  nginx: 'nginx least_conn'
}

/** For the help of both benchmarks. */
export const peerUsage = `  haproxy-expert       leastconn, maxconn = JRubies, light before reports before catalogs, a stick table by
                       certname, further tries at other masters
  haproxy-phase        the same, but a catalog goes to any master, and what follows stays there
  haproxy-priority     the same without the stick table
  haproxy-maxconn      leastconn, maxconn = JRubies
  haproxy, nginx       least connections
`

/** Where the programs of the peers come from. */
export const peerSources = ['debian13', 'installed'] as const
export type PeerSource = (typeof peerSources)[number]
