/** Why a request target is refused, as the end of a sentence that begins with "The request path". */
export const pathProblems = {
  relative: 'does not start with "/"',
  raw: 'holds a character that must be percent-encoded',
  semicolon: 'holds a ";" that is not percent-encoded',
  percent: 'holds a "%" that does not start a percent-encoding',
  utf8: 'is not valid UTF-8 once percent-decoded',
  control: 'holds a control character',
  dots: 'holds a "." or ".." segment',
  slash: 'holds an encoded slash or a backslash in its first three segments'
} as const
export type PathProblem = (typeof pathProblems)[keyof typeof pathProblems]

/**
 * Judges a raw request target by the form a master will see, decoded once, so that no spelling of a path can
 * mean one thing here and another there. `undefined` is fine: then `classify` may judge it and it is
 * forwarded byte for byte. The query is not looked at. `//`, `..foo`, and `%2F` behind the third segment are
 * ordinary: file bucket paths hold `//`, file names hold anything.
 *
 * Stricter than Puppet Server in that a `;` is refused instead of everything behind it ignored. Never hand a
 * checked target to `new URL`: in `//host/x` that takes `host` for an authority.
 */
export function checkPath(target: string): PathProblem | undefined {
  if (target.charCodeAt(0) !== 0x2f) return pathProblems.relative
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  return suspicious.test(path) ? problemIn(path) : undefined
}

/** What an innocent path is free of; everything below looks only at paths that hold one of these. */
const suspicious = /[^!-~]|[#%;\\]|\/\./

/** A byte that is no part of a URL; `#` would begin a fragment, which a server may cut off. */
const unencoded = /[^!-~]|#/
const brokenPercent = /%(?![0-9a-f]{2})/i
/** Three segments decide the endpoint; in there a decoded slash would move the borders between them. */
const slashInFirstThree = /^\/*(?:[^/]+\/+){0,2}[^/]*?(?:%2f|%5c|\\)/i
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const control = /[\u0000-\u001f\u007f-\u009f]/
/** `\` and a `;` that was encoded end a segment for some servers. */
const dotSegment = /(?:^|[/\\])\.\.?(?:[/\\;]|$)/

function problemIn(path: string): PathProblem | undefined {
  if (unencoded.test(path)) return pathProblems.raw
  if (path.includes(';')) return pathProblems.semicolon
  if (brokenPercent.test(path)) return pathProblems.percent
  if (slashInFirstThree.test(path)) return pathProblems.slash
  const decoded = decode(path)
  if (decoded === undefined) return pathProblems.utf8
  if (control.test(decoded)) return pathProblems.control
  return dotSegment.test(decoded) ? pathProblems.dots : undefined
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
