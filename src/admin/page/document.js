import { renderToString } from 'preact-render-to-string'
import { titleOf } from './view/headline.js'
import { html } from './view/html.js'
import { Page } from './view/page.js'

/**
 * The page for a browser: complete as it stands, so that it can be read without JavaScript. All text goes through the
 * renderer, which escapes it. For the server alone.
 * @param {import('../../model/overview.ts').Overview} view
 * @param {{ readonly importMap: string }} assets
 * @returns {string}
 */
export function documentOf(view, { importMap }) {
  const document = html`
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${titleOf(view)}</title>
        <link rel="icon" href="/page/icon.svg" />
        <link rel="stylesheet" href="/page/lib/uplot.css" />
        <link rel="stylesheet" href="/page/style.css" />
        <script type="importmap" dangerouslySetInnerHTML=${{ __html: importMap }}></script>
        <script defer src="/page/lib/uplot.js"></script>
        <script type="module" src="/page/client/main.js"></script>
      </head>
      <body>
        <p id="still" role="alert"></p>
        <div id="page"><${Page} view=${view} /></div>
      </body>
    </html>`
  return `<!doctype html>\n${renderToString(document)}`
}
