import htm from 'htm'
import { h } from 'preact'

/** @typedef {import('preact').VNode} VNode */

/** Its types are those of its CommonJS. */
const template =
  /** @type {{ bind(create: typeof h): (text: TemplateStringsArray, ...values: unknown[]) => VNode }} */ (
    /** @type {unknown} */ (htm)
  )

/** Elements from a template. Every value in it is text or an element: nothing is ever read as HTML. */
export const html = template.bind(h)
