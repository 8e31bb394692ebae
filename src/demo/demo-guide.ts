import { isAbsolute, relative } from 'node:path'
import type { CurlFiles } from './curl-files.ts'
import { agentName, revokedName } from './demo-material.ts'
import { nameInUrl } from './demo-place.ts'

/** What a guide tells of. Paths are absolute. */
export interface DemoFacts {
  readonly curl: CurlFiles
  readonly caFile: string
  readonly configFile: string
  readonly agentCount: number
  readonly host: string
  readonly port: number
  readonly adminPort: number
  /** The file that is the command `puppet-lb`, and the Node that runs it. */
  readonly mainFile: string
  readonly nodeFile: string
  /** Whether a command finds this balancer only when told where it is. */
  readonly isElsewhere: boolean
  readonly isTour: boolean
  readonly pid: number
  readonly cwd: string
}

/** What to try with a demonstration that serves; each command works as it stands, in `cwd`. */
export function demoGuide(demo: DemoFacts): string {
  const { curl, agentCount, port, adminPort, isElsewhere, isTour, pid, cwd } = demo
  const path = (file: string) => pathFrom(cwd, file)
  const page = `http://127.0.0.1:${adminPort}`
  const server = `https://${nameInUrl(demo.host)}:${port}`
  const command = `${path(demo.nodeFile)} ${path(demo.mainFile)}`
  const admin = isElsewhere ? ` --admin ${page}` : ''
  const asOperator = `curl -K ${path(curl.operator)}`
  const state = `${server}/puppet-ca/v1/certificate_status/${revokedName}`
  const catalog = `${server}/puppet/v3/catalog/${agentName}`
  return `Status page: ${page}/
${isTour ? 'The tour of it begins below, and takes' : 'npm start -- --tour shows all of this by itself in'} about two minutes.

Agents are served at ${server}, by a CA and three masters of 2, 4
and 8 JRubies, all simulated, as are the ${agentCount} agents that run now and then. The
configuration is ${path(demo.configFile)}. Try, in this directory:

Let master-3, the largest, end its runs, and give it back:
  ${command} drain master-3 --wait${admin}
  ${command} undrain master-3 --wait${admin}
Let it die in the middle of its work; the same again brings it back:
  kill -USR2 ${pid}
Revoke an agent; it is refused some seconds later:
  ${asOperator} -X PUT -H 'Content-Type: application/json' \\
    -d '{"desired_state":"revoked"}' \\
    ${state}
Delete its certificate; it makes a new key, and enrols again:
  ${asOperator} -X DELETE \\
    ${state}
Ask for a catalog as an agent, and as nobody:
  curl -K ${path(curl.agent)} -G -d environment=production \\
    ${catalog}
  curl --cacert ${path(demo.caFile)} -G -d environment=production \\
    ${catalog}
See masters, the last run of each agent, and metrics:
  ${command} status${admin}
  ${command} agents${admin}
  curl ${page}/metrics
Ctrl-C ends it.
`
}

/** The shortest way to write it from there. */
function pathFrom(cwd: string, file: string): string {
  const way = relative(cwd, file)
  return way.startsWith('..') || isAbsolute(way) ? file : way
}
