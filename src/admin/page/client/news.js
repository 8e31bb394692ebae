/** @import { Overview } from '../../../model/overview.ts' */

/** Frames come every 2 s. */
const SILENCE_MS = 10_000
const AGAIN_MS = 5_000

/**
 * What the balancer sends to the page, while somebody looks at it. `build` is another one once the page is of another
 * version than the balancer.
 * @param {object} listener
 * @param {(view: Overview & { readonly build: string }) => void} listener.seen
 * @param {() => void} listener.away Nothing has come for a while. It is asked again and again.
 */
export function followNews({ seen, away }) {
  /** @type {EventSource | undefined} */
  let source
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let silence
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let again

  function begin() {
    end()
    source = new EventSource('/api/live')
    source.onmessage = ({ data }) => {
      listen()
      seen(JSON.parse(data))
    }
    source.onerror = () => {
      away()
      // A refusal ends it for good; an end of the connection does not.
      if (source?.readyState === EventSource.CLOSED) again = setTimeout(begin, AGAIN_MS)
    }
    listen()
  }

  function listen() {
    clearTimeout(silence)
    silence = setTimeout(() => {
      away()
      begin()
    }, SILENCE_MS)
  }

  function end() {
    source?.close()
    clearTimeout(silence)
    clearTimeout(again)
  }

  document.addEventListener('visibilitychange', () => (document.hidden ? end() : begin()))
  if (!document.hidden) begin()
}
