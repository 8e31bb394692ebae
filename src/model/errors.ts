/**
 * Everything the proxy may have to tell an agent itself: the HTTP status, and the sentence that the agent prints.
 * The code goes out as `X-Puppet-LB-Reason` and into the access log. `retry` marks answers that mean "not now":
 * these carry Retry-After for agents that understand it.
 */
const answers = {
  'bad-request': { status: 400, sentence: 'This is not an HTTP request the load balancer understands' },
  'bad-path': { status: 400, sentence: 'The path of this request is not acceptable' },
  'bad-method': { status: 405, sentence: 'The load balancer does not carry this HTTP method' },
  'headers-too-large': { status: 431, sentence: 'The headers of this request are too large' },
  'request-timeout': { status: 408, sentence: 'The request did not arrive in time' },
  'certificate-refused': { status: 403, sentence: 'The client certificate was refused' },
  'certificate-required': {
    status: 403,
    sentence: 'This request needs a client certificate of the Puppet CA, and none was shown'
  },
  'revocations-unknown': {
    status: 503,
    sentence:
      'The load balancer does not know yet which certificates are revoked, and serves none until it does'
  },
  'too-many-connections': {
    status: 429,
    sentence: 'This certname has too many connections to the load balancer'
  },
  'admin-refused': {
    status: 403,
    sentence: 'This administrative endpoint is not open to this certname through the load balancer'
  },
  'not-served': { status: 404, sentence: 'This endpoint is not served through the load balancer' },
  'no-master': { status: 503, sentence: 'No Puppet master can serve this request now', retry: true },
  'no-connection': {
    status: 503,
    sentence: 'The load balancer itself cannot open one more connection now',
    retry: true
  },
  overloaded: {
    status: 503,
    sentence: 'All Puppet masters are busy for some time; come back when told',
    retry: true
  },
  'queue-full': { status: 503, sentence: 'Too many agents wait for a Puppet master already', retry: true },
  'certname-queue-full': {
    status: 503,
    sentence: 'Too many requests of this certname wait for a Puppet master already',
    retry: true
  },
  'queue-timeout': {
    status: 503,
    sentence: 'No Puppet master became free for this request in time',
    retry: true
  },
  'ca-unavailable': { status: 503, sentence: 'The Puppet CA cannot be reached now', retry: true },
  'master-lost': {
    status: 502,
    sentence: 'The Puppet master broke off while it worked on this request, which cannot be repeated safely'
  },
  'master-timeout': { status: 504, sentence: 'The Puppet master did not answer in time' },
  'master-answer': { status: 502, sentence: 'The Puppet master gave an answer that is not valid HTTP' },
  'fan-out-incomplete': { status: 502, sentence: 'Not every Puppet master carried out this request' },
  internal: { status: 500, sentence: 'The load balancer failed on this request' }
} as const satisfies Record<string, Answer>

interface Answer {
  readonly status: number
  readonly sentence: string
  readonly retry?: true
}

export type ReasonCode = keyof typeof answers

/** Every code, for the documentation's test. */
export const reasonCodes = Object.freeze(Object.keys(answers) as ReasonCode[])

/** A request that ends with an answer of the proxy's own. `detail` reaches the agent: never an address or a stack. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  readonly code: ReasonCode
  readonly status: number
  /** What the sentence of its code does not say. */
  readonly detail: string | undefined
  /** "Not now": worth a Retry-After. */
  readonly retry: boolean
  /** When it is known: in how many seconds the agent should be back. */
  readonly returnSeconds: number | undefined

  constructor(
    code: ReasonCode,
    detail?: string,
    options?: ErrorOptions & { readonly returnSeconds?: number }
  ) {
    const answer: Answer = answers[code]
    super(detail ? `${answer.sentence}: ${detail}` : answer.sentence, options)
    this.code = code
    this.status = answer.status
    this.detail = detail
    this.retry = answer.retry ?? false
    this.returnSeconds = options?.returnSeconds
  }
}
