import type { FastifyInstance, FastifyReply } from 'fastify'
import {
  type AgentFilter,
  type AgentList,
  type AgentQuery,
  agentFilters,
  daysIn,
  maxListedAgents,
  usualAgentQuery
} from '../model/agents.ts'

/** What the query of a request may say of each thing. */
const parameters = {
  query: 'the beginning of a certname',
  filter: `one of ${agentFilters.join(', ')}`,
  within: 'a number of days such as 30d, with filter=expiring',
  limit: `a whole number from 1 to ${maxListedAgents}`,
  offset: 'a whole number from 0 to 9999999'
} as const
type Parameter = keyof typeof parameters

/** The route that tells of agents. `refuse` answers with one sentence. */
export function addAgents(
  app: FastifyInstance,
  list: (query: AgentQuery) => Promise<AgentList>,
  refuse: (reply: FastifyReply, status: number, sentence: string) => FastifyReply
): void {
  app.get('/api/agents', async (request, reply) => {
    const query = queryOf(request.query as Readonly<Record<string, unknown>>)
    return typeof query === 'string' ? refuse(reply, 400, query) : list(query)
  })
}

/** What the query of a request asks for, or one sentence on what is wrong with it. */
function queryOf(asked: Readonly<Record<string, unknown>>): AgentQuery | string {
  const wrong = Object.entries(asked).flatMap(([name, value]) => {
    if (!isParameter(name)) return [`there is no ${name}, but ${Object.keys(parameters).join(', ')}`]
    return typeof value === 'string' && readValue(name, value) !== undefined
      ? []
      : [`${name} must be ${parameters[name]}`]
  })
  const { within, filter } = asked
  if (within !== undefined && filter !== 'expiring') wrong.push('within needs filter=expiring')
  if (wrong.length > 0) return `This cannot be listed: ${wrong.join('; ')}.`
  const given = Object.entries(asked).map(([name, value]) => {
    return [name === 'within' ? 'withinDays' : name, readValue(name as Parameter, value as string)]
  })
  return { ...usualAgentQuery, ...Object.fromEntries(given) }
}

function isParameter(name: string): name is Parameter {
  return Object.hasOwn(parameters, name)
}

/** `undefined`: it is none. */
function readValue(name: Parameter, text: string): string | number | undefined {
  switch (name) {
    case 'query':
      return text
    case 'filter':
      return agentFilters.find(each => each === text) satisfies AgentFilter | undefined
    case 'within':
      return daysIn(text)
    case 'limit':
      return wholeNumber(text, 1, maxListedAgents)
    case 'offset':
      return wholeNumber(text, 0, 9_999_999)
  }
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const number = /^\d{1,7}$/.test(text) ? Number(text) : -1
  return number >= least && number <= most ? number : undefined
}
