import { indirectionNamed } from './indirection.ts'
import { segmentEnd, segmentStart } from './path-segment.ts'

/** Of a form, so much is looked at for the environment. */
export const FORM_BYTES = 64 * 1024

const name = /^\w+$/

/**
 * The environment that a request names in its path (`/ENV/catalog/NAME`, agents before Puppet 4) or else in its query;
 * `undefined` when it does not. The target must have passed `checkPath`.
 */
export function environmentOf(target: string): string | undefined {
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  return legacyEnvironment(path) ?? (query < 0 ? undefined : valueIn(target.slice(query + 1)))
}

/**
 * The environment that a form names, from its first `FORM_BYTES`: agents send a request whose line would be too long as
 * a form (Puppet 3 to 5, `indirector/rest.rb`). `isWhole`: nothing comes behind `text`. A value that may go on behind it
 * is none.
 */
export function environmentInForm(text: string, isWhole: boolean): string | undefined {
  return valueIn(isWhole ? text : text.slice(0, Math.max(0, text.lastIndexOf('&'))))
}

/** As `classify` tells it: an environment may be called `puppet`, but no service has an indirection's name second. */
function legacyEnvironment(path: string): string | undefined {
  const firstAt = segmentStart(path, 0)
  const firstEnd = segmentEnd(path, firstAt)
  const first = decoded(path.slice(firstAt, firstEnd))
  if (first === undefined || !name.test(first)) return undefined
  const secondAt = segmentStart(path, firstEnd)
  const second = decoded(path.slice(secondAt, segmentEnd(path, secondAt)))
  return second !== undefined && indirectionNamed(second) ? first : undefined
}

function valueIn(form: string): string | undefined {
  for (const pair of form.split('&')) {
    if (!pair.startsWith('environment=')) continue
    const value = decoded(pair.slice('environment='.length).replaceAll('+', ' '))
    return value !== undefined && name.test(value) ? value : undefined
  }
  return undefined
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
