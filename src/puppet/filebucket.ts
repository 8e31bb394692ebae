/** `<type>/<sum>` as Puppet has spoken it since 2.6, or `{<type>}<sum>` before; then the end or the file's path. */
const checksumKey = /^\/*(?:(\w{1,32})\/+|\{(\w{1,32})\})([0-9a-f]{1,128})(?:\/|$)/i

/**
 * What a file bucket request is about: its checksum as `type/sum` in lower case, or `undefined` when the key
 * names none. A file bucket is local to one master, so whoever asks for a checksum, be it an agent's HEAD
 * and PUT or an operator's GET years later under another file name, must meet the master that took it.
 * `key` is decoded: what follows `file_bucket_file` in the path.
 */
export function checksumOf(key: string): string | undefined {
  const match = checksumKey.exec(key)
  if (!match) return undefined
  return `${match[1] ?? match[2]}/${match[3]}`.toLowerCase()
}
