import { render } from 'preact'
import { timeOf } from '../view/format.js'
import { titleOf } from '../view/headline.js'
import { html } from '../view/html.js'
import { Page } from '../view/page.js'
import { createSearch } from './agents.js'
import { Confirmation } from './dialog.js'
import { followNews } from './news.js'
import { operate } from './operate.js'

/** @import { Overview } from '../../../model/overview.ts' */
/** @import { Wish } from './dialog.js' */

/** Frames come every 2 s. */
const NOTICE_FRAMES = 5

const root = /** @type {HTMLElement} */ (document.getElementById('page'))
/** Beside what was sent first, which is not drawn over before there is news. */
const still = /** @type {HTMLElement} */ (document.getElementById('still'))
/** @type {(Overview & { readonly build: string }) | undefined} */
let view
/** @type {string | undefined} */
let awaySince
/** @type {Wish | undefined} */
let wish
let notice = ''
/** Frames until the notice goes. */
let framesToGo = 0
/** Kept in this page alone, as long as it is open. */
let token = ''
const search = createSearch(() => draw())

function draw() {
  if (!view) return
  const live = { ask, search: search.now(), awaySince }
  document.title = titleOf(view)
  render(
    html`<${Page} view=${view} live=${live} />
    ${wish && html`<${Confirmation} wish=${wish} confirm=${confirm} close=${close} />`}
    <p class="notice" role="status">${notice}</p>`,
    root
  )
}

/** @type {import('../view/page.js').Live['ask']} */
function ask(subject, action) {
  wish = { subject, action, isAsked: false, needsToken: false, text: '' }
  notice = ''
  draw()
}

/** @param {string} typed */
async function confirm(typed) {
  if (!wish || wish.isAsked) return
  if (typed !== '') token = typed
  const asked = { ...wish, isAsked: true, text: '' }
  wish = asked
  draw()
  const { result, text } = await operate(asked.subject, asked.action, token)
  if (result === 'token') token = ''
  if (wish === asked && result !== 'done') {
    wish = { ...asked, needsToken: asked.needsToken || result === 'token', isAsked: false, text }
  } else {
    // Somebody who has closed the dialog meanwhile is told all the same.
    notice = text
    framesToGo = NOTICE_FRAMES
    if (wish === asked) document.querySelector('dialog')?.close()
  }
  draw()
}

function close() {
  wish = undefined
  draw()
}

followNews({
  seen(next) {
    if (view && view.build !== next.build) location.reload()
    view = next
    still.textContent = ''
    awaySince = undefined
    if (framesToGo-- === 0) notice = ''
    draw()
  },
  away() {
    if (!view) {
      still.textContent =
        'This page does not follow the balancer yet: it gives no news, or too many look at it already. It is tried again.'
      return
    }
    awaySince ??= timeOf(view.at)
    draw()
  }
})
