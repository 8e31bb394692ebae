import type { IncomingMessage } from 'node:http'

/** A request body as it was received: counted, kept only when short. */
export interface ReceivedBody {
  readonly bytes: number
  /** The whole body, if it was no longer than the bound; else `undefined`. */
  readonly content: Buffer | undefined
}

/** Longer bodies than this, in bytes, are not kept: room for any CSR and for the facts of a large host. */
const maxKept = 1024 * 1024

/** Reads a body to its end at the sender's pace; rejects when the sender hangs up before it. */
export async function receiveBody(request: IncomingMessage): Promise<ReceivedBody> {
  let kept: Buffer[] | undefined = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxKept) kept = undefined
    kept?.push(chunk)
  }
  return { bytes, content: kept && Buffer.concat(kept) }
}
