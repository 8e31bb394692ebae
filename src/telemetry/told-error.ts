import pino from 'pino'
import { withoutSecrets } from '../model/secret-text.ts'

/** An error as a line of the log has it. */
export interface ToldError {
  readonly type: string
  readonly code?: string
  /** With the messages of what caused it. */
  readonly message: string
  readonly stack: string
}

/**
 * What the log tells of an error nobody foresaw. Libraries hang on their errors whatever they had in hand, such as the
 * bytes of a request, a certificate or an address with a password: none of that is told.
 */
export function tellError(error: unknown): ToldError | string {
  if (!(error instanceof Error)) return withoutSecrets(String(error))
  const { type, message, stack } = pino.stdSerializers.err(error)
  const { code } = error as NodeJS.ErrnoException
  return {
    type,
    ...(typeof code === 'string' && { code }),
    message: withoutSecrets(message),
    stack: withoutSecrets(stack)
  }
}
