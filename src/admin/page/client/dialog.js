import { html } from '../view/html.js'

/** @import { Action } from '../view/page.js' */

/**
 * A wish that its operator is asked about.
 * @typedef {object} Wish
 * @property {string} subject A master; for a flush an environment, of which '' means all.
 * @property {Action} action
 * @property {boolean} isAsked Whether the balancer was asked and has not answered yet.
 * @property {boolean} needsToken
 * @property {string} text What it said; empty at first.
 */

/** @type {Readonly<Record<Action, string>>} */
const effects = {
  drain: 'It ends the runs it has and gets no new ones.',
  undrain: 'It gets work again once it answers a probe.',
  maint: 'It gets nothing any more, at once, and is asked nothing. Its runs move to others.',
  flush: 'Every master reads the code anew. The next catalog of each JRuby takes longer.'
}

/**
 * Asks whether somebody wants what was clicked, and for the token where it takes one. Escape closes it.
 * @param {{ readonly wish: Wish, readonly confirm: (token: string) => void, readonly close: () => void }} props
 */
export function Confirmation({ wish, confirm, close }) {
  const { subject, action, isAsked, needsToken, text } = wish
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const token = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get('token')
    confirm(typeof token === 'string' ? token : '')
  }
  return html`<dialog aria-labelledby="wish" ref=${open} onClose=${close}>
    <form onSubmit=${submit}>
      <h2 id="wish">${action} ${subject === '' ? 'all environments' : html`<span class="name">${subject}</span>`}?</h2>
      <p>${effects[action]}</p>
      ${
        needsToken &&
        html`<label>Admin token
        <input type="password" name="token" autocomplete="off" required ref=${focus} />
      </label>`
      }
      <p role="alert">${text}</p>
      <p class="actions">
        <button type="submit" class="primary">${isAsked ? 'Asking…' : action}</button>
        <button type="button" onClick=${closeDialog}>Cancel</button>
      </p>
    </form>
  </dialog>`
}

/** @param {HTMLDialogElement | null} dialog */
function open(dialog) {
  if (dialog && !dialog.open) dialog.showModal()
}

/**
 * The token is asked for while the dialog is open, so the focus does not go there by itself.
 * @param {HTMLInputElement | null} input
 */
function focus(input) {
  input?.focus()
}

/**
 * The browser then gives the focus back to the button that was used.
 * @param {Event} event
 */
function closeDialog(event) {
  const button = /** @type {Element} */ (event.currentTarget)
  button.closest('dialog')?.close()
}
