import { isCause, type Question, type Wire } from '../../control/asking/wire.ts'
import type { Permission } from '../facts.ts'
import { pretending } from './identity.ts'

/** Asks something under a pretended name, and says what came of it; `undefined`: nothing did. */
export async function askPermission(
  wire: Wire,
  question: Question
): Promise<(Permission & { readonly body: string }) | undefined> {
  const answer = await wire.ask({ headers: pretending, ...question })
  if (isCause(answer)) return undefined
  const { method = 'GET', path } = question
  return { method, path: path.split('?', 1)[0] ?? path, status: answer.status, body: answer.body }
}
