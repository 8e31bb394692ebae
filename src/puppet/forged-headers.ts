/**
 * Whether a header is one by which a master learns who is asking, or from where, so that a client's own must
 * never reach it: `X-Client-*`, `X-SSL-*`, `SSL_CLIENT_*`, `X-Forwarded-*`, `Forwarded`, `X-Real-IP`,
 * `Client-IP`, each also with a leading `HTTP_`. Case does not matter, nor which sign stands between the
 * words: CGI and Rack turn `-` into `_`, and Apache 2.2 any sign, so `X.Client_DN` arrives as `X-Client-DN`.
 * Agents can send any header they like (`http_extra_headers`).
 */
export function isForgeable(name: string): boolean {
  return forgeable.test(name)
}

/** `W` stands for any sign between words; behind the last of them comes a sign or the end. */
const forgeable = new RegExp(
  '^W*(?:httpW+)*(?:xW+(?:client|ssl|forwarded|realW+ip)|sslW+client|forwarded|clientW+ip)(?:W|$)'.replaceAll(
    'W',
    '[^a-z0-9]'
  ),
  'i'
)
