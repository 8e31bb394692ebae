/** The path of a target as a master judges it: without its query, decoded once; as it stands where that cannot be. */
export function decodedPath(target: string): string {
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** Where the segment at or after `from` begins: repeated slashes count as one, as they do for a master. */
export function segmentStart(path: string, from: number): number {
  let at = from
  while (path.charCodeAt(at) === slash) at++
  return at
}

/** Where the segment that begins at `from` ends: at the next slash or with the path. */
export function segmentEnd(path: string, from: number): number {
  const next = path.indexOf('/', from)
  return next < 0 ? path.length : next
}

/** The four segments from `from` on, empty where there are none; a trailing slash adds no segment. */
export function fourSegments(path: string, from: number): [string, string, string, string] {
  const names: [string, string, string, string] = ['', '', '', '']
  let end = from
  for (let index = 0; index < names.length; index++) {
    const start = segmentStart(path, end)
    end = segmentEnd(path, start)
    names[index] = path.slice(start, end)
  }
  return names
}

const slash = 0x2f
