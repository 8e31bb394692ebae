import type { SecureContext } from 'node:tls'
import { type AgentConnection, openConnection } from './agent-connection.ts'
import { agentRun, metadataRequest } from './agent-requests.ts'
import { agentContext, agentNames, materialIn } from './material.ts'
import type { LoadOrder, LoadReply } from './messages.ts'

interface Agent {
  readonly certname: string
  readonly context: SecureContext
}

// A process of its own, so that its work counts for nobody. Its argument is the directory of certificates.
takeOrders(process.argv[2] as string)

function takeOrders(directory: string): void {
  const material = materialIn(directory)
  const agents = agentNames.map(certname => ({ certname, context: agentContext(material, certname) }))
  let connections: readonly AgentConnection[] = []

  async function obey(order: LoadOrder): Promise<void> {
    switch (order.type) {
      case 'open':
        connections = await inParallel(order.connections, index =>
          openConnection(order.port, agentOf(agents, index).context)
        )
        return
      case 'requests':
        await sendRequests(connections, order.count)
        return
      case 'close':
        await Promise.all(connections.map(connection => connection.close()))
        connections = []
        return
      case 'runs':
        await performRuns(agents, order)
    }
  }

  const reply = (message: LoadReply) => process.send?.(message)
  process.on('message', (order: LoadOrder) => {
    obey(order).then(
      () => reply({ type: 'done' }),
      error => reply({ type: 'failed', message: String(error) })
    )
  })
  process.on('disconnect', () => process.exit())
  reply({ type: 'done' })
}

async function sendRequests(connections: readonly AgentConnection[], count: number): Promise<void> {
  let left = count
  await inParallel(connections.length, async index => {
    const connection = connections[index] as AgentConnection
    while (left-- > 0) await askOrThrow(connection, metadataRequest)
  })
}

async function performRuns(
  agents: readonly Agent[],
  { port, count, requests, atOnce }: Extract<LoadOrder, { type: 'runs' }>
): Promise<void> {
  const runs = new Map(agents.map(agent => [agent, agentRun(agent.certname, requests)]))
  let left = count
  await inParallel(atOnce, async () => {
    while (left-- > 0) {
      const agent = agentOf(agents, left)
      const connection = await openConnection(port, agent.context)
      for (const request of runs.get(agent) as readonly Buffer[]) await askOrThrow(connection, request)
      await connection.close()
    }
  })
}

async function askOrThrow(connection: AgentConnection, request: Buffer): Promise<void> {
  const { status, body } = await connection.ask(request)
  if (status !== 200) throw new Error(`the proxy answered ${status}: ${body.toString().slice(0, 200)}`)
}

function agentOf(agents: readonly Agent[], index: number): Agent {
  return agents[index % agents.length] as Agent
}

function inParallel<Result>(count: number, task: (index: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => task(index)))
}
