import { relative } from 'node:path'
import { agentName, type DemoMaterial } from './demo-material.ts'

/** What to try with a demonstration that serves. */
export function demoGuide(demo: {
  readonly material: DemoMaterial
  readonly configFile: string
  readonly agentCount: number
  readonly port: number
  readonly adminPort: number
  readonly pid: number
  readonly cwd: string
}): string {
  const { material, port, adminPort, pid } = demo
  const path = (file: string) => relative(demo.cwd, file) || file
  const as = (who: { readonly certFile: string; readonly keyFile: string }) =>
    `--cacert ${path(material.caFile)} --cert ${path(who.certFile)} --key ${path(who.keyFile)}`
  const url = (target: string) => `'https://localhost:${port}${target}'`
  return `puppet-lb serves on https://localhost:${port}, in front of a CA and three masters with 2, 4 and 8 JRubies,
all simulated in this process. ${demo.agentCount} simulated agents enrol and then run every few seconds. Configuration:
${path(demo.configFile)}

See it in a browser:
  http://127.0.0.1:${adminPort}/
Ask as an agent:
  curl ${as(material.agent)} ${url(`/puppet/v3/node/${agentName}?environment=production`)}
  curl ${as(material.agent)} -d environment=production ${url(`/puppet/v3/catalog/${agentName}?environment=production`)}
Ask without a certificate, as an agent does at first, and for what it may not have:
  curl --cacert ${path(material.caFile)} ${url('/puppet-ca/v1/certificate/ca')}
  curl --cacert ${path(material.caFile)} ${url(`/puppet/v3/node/${agentName}?environment=production`)}
Flush the environment cache of every master, which only operator.demo may:
  curl -i -X DELETE ${as(material.operator)} ${url('/puppet-admin-api/v1/environment-cache?environment=production')}
See it work:
  curl http://127.0.0.1:${adminPort}/metrics
  watch -n 1 "curl -s http://127.0.0.1:${adminPort}/metrics | grep -e master_up -e in_flight"
Let the largest master end its runs, give it back, and see how they all are:
  puppet-lb drain master-3 --wait --admin http://127.0.0.1:${adminPort}
  puppet-lb undrain master-3 --wait --admin http://127.0.0.1:${adminPort}
  puppet-lb status --admin http://127.0.0.1:${adminPort}
See the last run of each agent:
  puppet-lb agents --admin http://127.0.0.1:${adminPort}
See the largest master die in the middle of its work, and come back the second time:
  kill -USR2 ${pid}
Ctrl-C ends it.
`
}
