import { isIP } from 'node:net'
import { z } from 'zod'
import { duration, group, mustBe, text } from './fields.ts'

const SECOND = 1000
const HOUR = 3_600_000

const refresh = () => duration(SECOND, HOUR).prefault('30s')

const serverAllowed = 'an IP address, with :PORT if it is not 53, and IPv6 in brackets then'
const server = z
  .string({ error: mustBe(serverAllowed) })
  .refine(isNameServer, { error: mustBe(serverAllowed) })

/** The keys of `discovery`. */
export const discovery = group({
  refresh: refresh().describe('How often the host names in the URLs of masters and CA are looked up.'),
  srv: group({
    domain: text(
      /^(?=.{1,230}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*$/,
      'a domain name without a dot at its end'
    ).describe(
      'Domain whose records `_x-puppet._tcp` name compile masters and `_x-puppet-ca._tcp` the CA: what agents would have ' +
        'as `srv_domain`.'
    ),
    refresh: refresh().describe('How often the records and the names they lead to are looked up.'),
    servers: z
      .array(server, { error: mustBe('a list of name servers') })
      .optional()
      .describe(
        'Name servers that are asked for the records and for the addresses of the names in them, such as 10.0.0.53 or ' +
          "[2001:db8::53]:5353. Default: the system's."
      )
  })
    .optional()
    .describe('Masters by SRV records, beside those of `masters` and `ca` or instead of them.')
})

function isNameServer(written: string): boolean {
  const [, bracketed, host = bracketed, port] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::(\d{1,5}))?$/.exec(written) ?? []
  if (host === undefined) return isIP(written) === 6
  return isIP(host) === (bracketed === undefined ? 4 : 6) && (port === undefined || isPort(Number(port)))
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535
}
