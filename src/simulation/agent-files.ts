import type { AgentAnswer, AgentQuestion, AgentRequestResult } from './agent-client.ts'
import { AgentRequestError } from './agent-request-error.ts'

/** An agent's disk: checksum (SHA-256, hexadecimal) by mount and path. */
export type AgentDisk = Map<string, string>

/** One file as an agent wants it. */
export interface WantedFile {
  /** Mount and path. */
  readonly key: string
  readonly sha256: string
  /** Where its content is. */
  readonly path: string
}

/**
 * Downloads one file if the disk has another; true when it changed. Rejects when the content is not what was
 * announced.
 */
export async function syncFile(
  file: WantedFile,
  disk: AgentDisk,
  ask: (question: AgentQuestion) => Promise<AgentRequestResult>
): Promise<boolean> {
  if (disk.get(file.key) === file.sha256) return false
  const question = { method: 'GET', path: file.path, headers: { Accept: 'application/octet-stream' } }
  const { status, sha256 } = await ask(question)
  if (sha256 !== file.sha256) {
    // A hard error for agents since 6.17: metadata and content came from masters with different code.
    const message = 'File written to disk did not match desired checksum; discarding changes'
    throw new AgentRequestError(question, status, message)
  }
  disk.set(file.key, sha256)
  return true
}

/** Metadata of a file, as far as a simulated agent looks. */
export interface FileMetadata {
  readonly relative_path: string | null
  readonly type: string
  readonly checksum: { readonly value: string }
}

/** The checksum in metadata, without its type. */
export function sha256Of({ checksum }: FileMetadata): string {
  return checksum.value.replace(/^\{sha256\}/, '')
}

/** The document in an answer; rejects when it is not JSON. */
export function documentIn<T>(answer: AgentAnswer): T {
  try {
    return JSON.parse(answer.text) as T
  } catch (cause) {
    throw new AgentRequestError(answer, answer.status, 'the answer is not JSON', { cause })
  }
}
