import { type Environment, tokenVariable } from './environment.ts'
import { type FileContext, readNamed } from './files.ts'
import type { Draft } from './schema-tree.ts'

/** Fewer characters can be guessed, more do not fit a header; anything else than these gets lost in one. */
const token = /^[!-~]{16,1024}$/
const allowed = 'must be 16 to 1024 printable ASCII characters without spaces'

/**
 * The secret of the admin listener, from its variable or else from the file of `admin.token.file`; `undefined` when
 * there is none, or none to use. What is wrong has been reported, and nothing of the secret with it.
 */
export function readAdminToken(
  { admin }: Draft,
  env: Environment,
  context: FileContext,
  reportVariable: (name: string, text: string) => void
): string | undefined {
  const given = env[tokenVariable]
  if (given !== undefined) {
    const text = given.trim()
    const problem = problemOf(text)
    if (problem) reportVariable(tokenVariable, `is a token ${problem}; ${allowed}`)
    return problem ? undefined : text
  }
  const path = ['admin', 'token', 'file']
  const from = readNamed(path, admin?.token?.file, context, mayBeToken)
  if (!from) return undefined
  const text = from.text.trim()
  const problem = problemOf(text)
  if (problem) context.report(path, `names ${from.file}, which holds a token ${problem}; ${allowed}`)
  return problem ? undefined : text
}

/** A token that stands in place of the name of its file looks like no path as a rule: no folder, no ending. */
function mayBeToken(name: string): boolean {
  return token.test(name) && !/^\.{0,2}\/|\.[a-z]{2,8}$/.test(name)
}

function problemOf(text: string): string | undefined {
  if (token.test(text)) return undefined
  if (text === '') return 'that is empty'
  if (!/^[!-~]*$/.test(text)) return 'with spaces, control characters or letters beyond ASCII'
  return text.length < 16 ? 'that is too short' : 'that is too long'
}
