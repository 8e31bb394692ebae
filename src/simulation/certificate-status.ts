import { type Answer, text } from './answer.ts'
import type { CaRegistry } from './ca-registry.ts'
import type { MasterCall } from './master-call.ts'

const done: Answer = { status: 204, headers: {}, body: '' }
const mediaTypes: ReadonlySet<string> = new Set(['application/json', 'text/pson', 'pson'])

/** Signs, revokes or deletes, in the order and the words of Puppet Server (`certificate_authority_core.clj`). */
export async function answerForStatus(registry: CaRegistry, call: MasterCall): Promise<Answer> {
  const { method, key, contentType } = call
  const hasCertificate = registry.certificate(key) !== undefined
  const hasRequest = registry.request(key) !== undefined
  if (method === 'DELETE') {
    if (!hasCertificate && !hasRequest) return text(404, 'Resource not found.')
    registry.delete(key)
    return done
  }
  const wanted = wantedState(call)
  if (typeof wanted !== 'string') return wanted
  if (contentType !== undefined && !mediaTypes.has(contentType)) return text(415, 'Unsupported media type.')
  if (!hasCertificate && !hasRequest) return text(404, 'Invalid certificate subject.')
  if (wanted === 'revoked') {
    if (!hasCertificate)
      return text(409, `Cannot revoke certificate for host ${key} without a signed certificate`)
    registry.revoke(key)
    return done
  }
  if (!hasRequest) return text(409, `Cannot sign certificate for host ${key} without a certificate request`)
  try {
    await registry.sign(key)
    return done
  } catch (error) {
    return text(409, (error as Error).message)
  }
}

function wantedState({ key, body }: MasterCall): 'signed' | 'revoked' | Answer {
  const content = body?.toString() ?? ''
  if (content === '') return text(400, 'Empty request body.')
  try {
    const { desired_state: state } = JSON.parse(content) as { readonly desired_state?: unknown }
    if (state === 'signed' || state === 'revoked') return state
    return text(
      400,
      `State ${state} invalid; Must specify desired state of 'signed' or 'revoked' for host ${key}.`
    )
  } catch {
    return text(400, 'Request body is not JSON.')
  }
}
