/**
 * The target of a request without the scheme and authority that it may begin with (RFC 9112, section 3.2.2): nobody but
 * us is asked here, so the path alone counts. What is no such URL is returned as it stands, for `checkPath` to judge.
 */
export function originForm(target: string): string {
  if (target.charCodeAt(0) === SLASH) return target
  const authority = schemeAndAuthority.exec(target)?.[0]
  if (authority === undefined) return target
  const rest = target.slice(authority.length)
  return rest.startsWith('/') ? rest : `/${rest}`
}

const SLASH = 0x2f
const schemeAndAuthority = /^https?:\/\/[A-Za-z0-9._~%[\]:-]+(?=[/?]|$)/i
