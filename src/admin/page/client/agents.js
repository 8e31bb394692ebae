/** @import { AgentList } from '../../../model/agents.ts' */
/** @import { Search } from '../view/page.js' */

/** As many as anybody reads. */
const SHOWN = 20

/**
 * The search for agents: what was found by now. `draw` is called when that has changed.
 * @param {() => void} draw
 * @returns {{ readonly now: () => Search }}
 */
export function createSearch(draw) {
  /** @type {Omit<Search, 'find'>} */
  let state = { list: undefined, text: '', isAsked: false }
  let asked = 0

  /** @type {Search['find']} */
  async function find(query, filter) {
    const turn = ++asked
    state = { ...state, text: '', isAsked: true }
    draw()
    const found = await ask(query, filter)
    // Who asked again meanwhile wants the other answer.
    if (turn !== asked) return
    state = { ...found, isAsked: false }
    draw()
  }

  return { now: () => ({ ...state, find }) }
}

/**
 * @param {string} query
 * @param {string} filter Empty: all.
 * @returns {Promise<{ readonly list: AgentList | undefined, readonly text: string }>}
 */
async function ask(query, filter) {
  const parameters = new URLSearchParams({ query, limit: String(SHOWN), ...(filter !== '' && { filter }) })
  try {
    const answer = await fetch(`/api/agents?${parameters}`)
    if (answer.ok) return { list: await answer.json(), text: '' }
    return { list: undefined, text: (await answer.text()).trim() }
  } catch {
    return { list: undefined, text: 'The balancer cannot be reached.' }
  }
}
