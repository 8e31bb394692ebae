import { z } from 'zod'
import { mustBe } from './fields.ts'
import { showValue } from './problems.ts'

const allowed = 'https://HOST:PORT or http://HOST:PORT'

/** Where a server is: scheme, host and port of a URL and nothing else; read as its origin, without a final slash. */
export function origin() {
  const source = z.string({ error: mustBe(allowed) }).meta({ pattern: '^https?://[^/?#@\\s]+/?$' })
  return source.transform((written, context) => {
    const problem = originProblem(written)
    if (problem === undefined) return new URL(written).origin
    context.issues.push({ code: 'custom', input: written, message: `${problem}, must be ${allowed}` })
    return z.NEVER
  })
}

/** What keeps the text from being an origin. A password in it is not repeated. */
function originProblem(written: string): string | undefined {
  const url = URL.parse(written)
  if (written.includes('@')) return 'holds a user name or password, or another @'
  if (!url || /\s/.test(written) || !/^\w+:\/\//.test(written)) return `is ${showValue(written)}`
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return `has the scheme ${url.protocol.slice(0, -1)}`
  if (/[?#]/.test(written)) return 'has a query or fragment'
  if (!/^\w+:\/\/[^/\\]+\/?$/.test(written)) return 'has a path'
  return url.port === '0' ? 'has the port 0' : undefined
}
