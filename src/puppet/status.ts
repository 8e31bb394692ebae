/**
 * Whether an answer to a health check says that a master, or the CA, can work. `/status/v1/simple` and what is
 * below it say `running` with 200; `error`, `starting`, `stopping` and `unknown` come with 503. Of any other
 * `path`, such as `/production/status/x` on a master without a status service, a 2xx is all there is to know.
 */
export function isRunning(status: number, body: string, path = '/status/v1/simple'): boolean {
  if (!simpleStatus.test(path)) return status >= 200 && status <= 299
  return status === 200 && body.trim() === 'running'
}

const simpleStatus = /^\/status\/v1\/simple(?:[/?]|$)/
