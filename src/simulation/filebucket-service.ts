import { type Answer, json, octets, text } from './answer.ts'
import type { MasterCall, Service } from './master-call.ts'

/** One master's filebucket: what was put there is found there alone. */
export function createFilebucket(): Service {
  const files = new Map<string, Buffer>()

  const serve = ({ method, key, body }: MasterCall): Answer => {
    const [, type, sum] = /^(\w+)\/([0-9a-f]+)(?:\/|$)/.exec(key) ?? []
    if (type === undefined) return text(400, `Bad Request: ${key} is not a checksum`)
    const id = `${type}/${sum}`
    if (method === 'PUT') {
      if (body === undefined) return text(413, 'Payload Too Large: a simulated filebucket keeps small files')
      files.set(id, body)
      return octets(Buffer.alloc(0))
    }
    const found = files.get(id)
    if (found !== undefined) return octets(found)
    const message = `Not Found: Could not find file_bucket_file ${id}`
    return json(404, { message, issue_kind: 'RESOURCE_NOT_FOUND' })
  }

  return { access: 'authenticated', work: 'light', serve }
}
