import type { Overview } from '../../model/overview.ts'

/**
 * For the rest of the program, which knows nothing of browsers: the types of `document.js` bring those of the DOM with
 * them, where some of Node's have the same names.
 */
export function documentOf(view: Overview, assets: { readonly importMap: string }): string
