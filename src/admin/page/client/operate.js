/** @import { Action } from '../view/page.js' */
/** @import { OperationReport } from '../../../model/operation.ts' */

/**
 * What became of a wish: it was done, it needs a token, or it was refused.
 * @typedef {{ readonly result: 'done' | 'token' | 'refused', readonly text: string }} Answer
 */

/**
 * Has the balancer drain a master, give it back to work or take it out. No web page of somebody else can send the header
 * unasked.
 * @param {string} master
 * @param {Action} action
 * @param {string} token Empty: none.
 * @returns {Promise<Answer>}
 */
export async function operate(master, action, token) {
  try {
    const answer = await fetch(`/api/masters/${encodeURIComponent(master)}/${action}`, {
      method: 'POST',
      headers: { 'x-puppet-lb': '1', ...(token !== '' && { authorization: basic(token) }) }
    })
    if (answer.ok) {
      const { done, warnings } = /** @type {OperationReport} */ (await answer.json())
      return { result: 'done', text: [...done, ...warnings].join(' ') }
    }
    return { result: answer.status === 401 ? 'token' : 'refused', text: (await answer.text()).trim() }
  } catch {
    return { result: 'refused', text: 'The balancer cannot be reached.' }
  }
}

/** Basic takes any character, which Bearer does not. @param {string} token */
function basic(token) {
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`puppet-lb:${token}`)))}`
}
