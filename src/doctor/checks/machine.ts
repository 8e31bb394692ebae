import { type DescriptorBudget, descriptorBudget, descriptorWarning } from '../../model/descriptors.ts'
import type { Config } from '../../model/settings.ts'
import type { MachineFacts } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'

const find = findingOf('machine')

/** What Node asks for when it listens (`backlog`, https://nodejs.org/api/net.html#serverlisten). */
const BACKLOG = 511
/** Ports that others of this machine may use. */
const OTHERS = 1_000

const sysctl = (key: string, value: string) =>
  `echo ${key}=${value} > /etc/sysctl.d/50-puppet-lb.conf && sysctl --system; of a container with a network of its own: ` +
  `docker run --sysctl ${key}=${value}.`

/** What this machine grants, against what the configuration promises. `granted`: descriptors of this process. Pure. */
export function checkMachine(
  { somaxconn, migrates, localPorts }: MachineFacts,
  { boot, settings }: Pick<Config, 'boot' | 'settings'>,
  { granted, running }: { readonly granted: number; readonly running: DescriptorBudget | undefined }
): readonly Finding[] {
  const budget = running ?? descriptorBudget(granted, boot, settings)
  const scarcity = descriptorWarning(budget, settings)
  const findings: Finding[] = []
  if (scarcity !== undefined)
    findings.push(
      find(
        'warning',
        'nofile',
        `${scarcity}.`,
        'LimitNOFILE=65536 in the unit of systemd, or docker run --ulimit nofile=65536.'
      )
    )
  if (somaxconn !== undefined && somaxconn < BACKLOG)
    findings.push(
      find(
        'warning',
        'net.core.somaxconn',
        `it is ${somaxconn}: when many agents connect at once, the kernel drops those beyond, who come again after seconds.`,
        sysctl('net.core.somaxconn', '4096')
      )
    )
  if (localPorts !== undefined && localPorts < budget.upstream + OTHERS)
    findings.push(
      find(
        'warning',
        'net.ipv4.ip_local_port_range',
        `it has ${localPorts} ports, and connections to masters may take ${budget.upstream}.`,
        sysctl('net.ipv4.ip_local_port_range', '"32768 60999"')
      )
    )
  if (migrates === 0 && boot.listen.workers > 1)
    findings.push(
      find(
        'note',
        'net.ipv4.tcp_migrate_req',
        'it is 0: connections that wait at a worker that dies are reset, and now and then one at a takeover.',
        sysctl('net.ipv4.tcp_migrate_req', '1')
      )
    )
  return findings
}
