import { classify } from '../../src/puppet/endpoint.ts'

/** The verdict on a request in one line: class, who answers, then what else holds. */
export function verdict(method: string, url: string, userAgent?: string): string {
  const { class: endpointClass, action, restricted, repeatable, pinKey } = classify(method, url, userAgent)
  const words: string[] = [endpointClass, action]
  if (restricted) words.push('restricted')
  if (repeatable) words.push('repeatable')
  if (pinKey !== undefined) words.push(pinKey)
  return words.join(' ')
}

/** A request line and the verdict it must get. */
export type Row = readonly [request: string, verdict: string]

/** Asks for the verdict on a row's request, `METHOD URL`. */
export function verdictOn(request: string, userAgent?: string): string {
  const space = request.indexOf(' ')
  return verdict(request.slice(0, space), request.slice(space + 1), userAgent)
}
