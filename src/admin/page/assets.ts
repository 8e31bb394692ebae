import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { gzipSync } from 'node:zlib'

/** A file as browsers get it. */
export interface Asset {
  readonly type: string
  readonly body: Buffer
  /** The same, compressed. */
  readonly gzipped: Buffer
}

/** All that the page consists of beside its HTML. */
export interface Assets {
  /** By the path below `/page/`. */
  readonly files: ReadonlyMap<string, Asset>
  /** Where modules find the libraries that they import by name: an import map, in JSON. */
  readonly importMap: string
  /** Another one for other files: by it a browser sees that the page it shows is of another version. */
  readonly build: string
}

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml'
}

/** What is imported by name, and what is loaded as it is. */
const libraries = {
  'lib/preact.js': import.meta.resolve('preact'),
  'lib/htm.js': import.meta.resolve('htm'),
  'lib/uplot.js': import.meta.resolve('uplot/dist/uPlot.iife.min.js'),
  'lib/uplot.css': import.meta.resolve('uplot/dist/uPlot.min.css')
} as const

const importMap = JSON.stringify({
  imports: { preact: '/page/lib/preact.js', htm: '/page/lib/htm.js' }
})

let assets: Assets | undefined

/** The files, read once in the life of the process. Browsers run the modules as they are. */
export function readAssets(): Assets {
  assets ??= read()
  return assets
}

function read(): Assets {
  const places = [...ownFiles(), ...Object.entries(libraries)]
  const hash = createHash('sha256')
  const files = new Map(
    places.map(([path, url]) => {
      const body = readFileSync(new URL(url))
      hash.update(path).update(body)
      return [path, { type: types[extname(path)] as string, body, gzipped: gzipSync(body) }]
    })
  )
  return { files, importMap, build: hash.digest('base64url').slice(0, 12) }
}

/** The modules that browsers load, the style and the icon. */
function ownFiles(): readonly (readonly [path: string, url: string])[] {
  const here = new URL('./', import.meta.url)
  return readdirSync(here, { recursive: true, encoding: 'utf8' })
    .filter(path => extname(path) in types && path !== 'document.js')
    .map(path => [path, new URL(path, here).href])
}
