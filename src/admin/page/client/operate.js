/** @import { Action } from '../view/page.js' */
/** @import { FlushReport } from '../../../model/code.ts' */
/** @import { OperationReport } from '../../../model/operation.ts' */

/** Some masters did it, and some did not. */
const FLUSHED_IN_PART = 502

/**
 * What became of a wish: it was done, it needs a token, or it was refused.
 * @typedef {{ readonly result: 'done' | 'token' | 'refused', readonly text: string }} Answer
 */

/**
 * Has the balancer drain a master, give it back to work or take it out, or have all masters read code anew. No web page of
 * somebody else can send the header unasked.
 * @param {string} subject A master, or an environment; '' means all of these.
 * @param {Action} action
 * @param {string} token Empty: none.
 * @returns {Promise<Answer>}
 */
export async function operate(subject, action, token) {
  try {
    const answer = await fetch(pathOf(subject, action), {
      method: 'POST',
      headers: { 'x-puppet-lb': '1', ...(token !== '' && { authorization: basic(token) }) }
    })
    if (action === 'flush' && (answer.ok || answer.status === FLUSHED_IN_PART))
      return flushed(await answer.json())
    if (answer.ok) {
      const { done, warnings } = /** @type {OperationReport} */ (await answer.json())
      return { result: 'done', text: [...done, ...warnings].join(' ') }
    }
    return { result: answer.status === 401 ? 'token' : 'refused', text: (await answer.text()).trim() }
  } catch {
    return { result: 'refused', text: 'The balancer cannot be reached.' }
  }
}

/**
 * @param {string} subject
 * @param {Action} action
 */
function pathOf(subject, action) {
  const name = subject === '' ? '' : `/${encodeURIComponent(subject)}`
  return action === 'flush' ? `/api/environments${name}/deployed` : `/api/masters${name}/${action}`
}

/** @param {FlushReport} report @returns {Answer} */
function flushed({ environment, done, masters }) {
  const failed = masters.filter(each => !each.done)
  const whose = environment === null ? 'All environments are' : `${environment} is`
  const text = `${whose} flushed on ${masters.length - failed.length} of ${masters.length} masters.`
  if (done) return { result: 'done', text }
  return {
    result: 'refused',
    text: [text, ...failed.map(({ name, cause }) => `${name}: ${cause}.`)].join(' ')
  }
}

/** Basic takes any character, which Bearer does not. @param {string} token */
function basic(token) {
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`puppet-lb:${token}`)))}`
}
