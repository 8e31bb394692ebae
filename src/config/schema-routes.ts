import { z } from 'zod'
import { endpointClasses } from '../puppet/endpoint.ts'
import { group, mustBe, text } from './fields.ts'

/** What a route may name: whatever goes to masters. The CA is never routed. */
export const routedClasses = Object.freeze(endpointClasses.filter(name => name !== 'ca'))

/** The name of a pool. */
export const poolName = () =>
  text(/^[A-Za-z0-9._-]{1,64}$/, 'the name of a pool: 1 to 64 letters, digits, dots, hyphens or underscores')

/** A text, or a list of at least one. What may be in it is judged where each of them has its place: `check-routes`. */
function oneOrMore(what: string, hint: Readonly<Record<string, unknown>> = {}) {
  const error = mustBe(`${what}, or a list of them`)
  const one = z.string({ error }).meta(hint)
  return z.union([one, z.array(one, { error }).min(1, { error })], { error })
}

const extensions = mustBe('a group of extensions with their values, such as pp_datacenter: b')

/** The keys of each of `routes`. */
export const route = group({
  certname: oneOrMore('a certname')
    .optional()
    .describe(
      'Name in the client certificate. `*` is any text, dots included; case does not count. Requests without a ' +
        'certificate have none.'
    ),
  extension: z
    .record(z.string(), oneOrMore('a text, in quotes where YAML takes it for something else'), {
      error: extensions
    })
    .refine(each => Object.keys(each).length > 0, { error: extensions })
    .optional()
    .describe(
      'Extensions of the client certificate: short name (`pp_datacenter`) or OID to value. All of them must be there, ' +
        'with one of their values; case counts.'
    ),
  class: oneOrMore('a class', { enum: routedClasses })
    .optional()
    .describe(`What is asked for: ${routedClasses.map(name => `\`${name}\``).join(', ')}.`),
  environment: oneOrMore('an environment')
    .optional()
    .describe(
      'Environment that is asked for: in the query, in the path of Puppet 3 and older, or within the first 64 KiB of a ' +
        'form.'
    ),
  pool: poolName().describe('Pool whose masters get it. A master is in it by its `pools`.'),
  otherwise: poolName()
    .optional()
    .describe('Pool that serves instead while no member of `pool` is up. Default: none, and requests wait.')
})
