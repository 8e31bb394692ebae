import { type Answer, json, octets, text } from './answer.ts'
import type { MasterCall, Service } from './master-call.ts'

/** One master's filebucket: what was put there is found there alone. */
export function createFilebucket(): Service {
  const files = new Map<string, { readonly bytes: number; readonly content: Buffer | undefined }>()

  const serve = ({ method, key, body, bodyBytes }: MasterCall): Answer => {
    const [, type, sum] = /^(\w+)\/([0-9a-f]+)(?:\/|$)/.exec(key) ?? []
    if (type === undefined) return text(400, `Bad Request: ${key} is not a checksum`)
    const id = `${type}/${sum}`
    if (method === 'PUT') {
      files.set(id, { bytes: bodyBytes, content: body })
      return octets(Buffer.alloc(0), 0)
    }
    const found = files.get(id)
    if (found === undefined) {
      return json(404, {
        message: `Not Found: Could not find file_bucket_file ${id}`,
        issue_kind: 'RESOURCE_NOT_FOUND'
      })
    }
    if (method === 'HEAD') return octets(Buffer.alloc(0), found.bytes)
    // A file too long to be kept is known by its checksum only.
    if (found.content === undefined) return text(500, 'Server Error: this file was too long to be kept')
    return octets(found.content, found.bytes)
  }

  return { access: 'authenticated', work: 'light', serve }
}
