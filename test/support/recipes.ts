import { readFileSync } from 'node:fs'

/** Blocks of the documents by which somebody sets up a site; an HTML comment before each, which no reader sees, names it. */
export const recipeNames = [
  'ca.conf',
  'certificate',
  'autosign',
  'request',
  'sign',
  'auth.conf',
  'webserver.conf, plain',
  'firewall',
  'hop',
  'webserver.conf, TLS',
  'webserver.conf, CA',
  'ship-crl',
  'ship-crl, systemd',
  'flush',
  'puppet-lb.yaml',
  'reload',
  'puppet.conf',
  'drain'
] as const

export type RecipeName = (typeof recipeNames)[number]

/** Where the blocks are: what sets a site up, and what is done on day two. */
const documents = ['DEPLOY.md', 'OPERATIONS.md']
  .map(name => readFileSync(new URL(`../../config/${name}`, import.meta.url), 'utf8'))
  .join('\n')
const blocks = new Map(
  [...documents.matchAll(/^<!-- recipe: ([^>\n]+) -->\n```\w*\n(.*?)^```$/gms)].map(
    ([, name, text]) => [name, text] as [string, string]
  )
)

/** Every block that has a name, in the documents' order. */
export const namedInDocuments: readonly string[] = [...blocks.keys()]

/** The text of a block, literally but for host names, ports and directories: each of `places` gives way to its value. */
export function recipe(name: RecipeName, places: Readonly<Record<string, string>> = {}): string {
  const text = blocks.get(name)
  if (text === undefined) throw new Error(`no document has a recipe "${name}"`)
  return transplanted(text, places)
}

/** Files that DEPLOY.md has copied to the load balancer: where each is on the CA master, and its name here. */
export const copiedFiles: readonly (readonly [from: string, to: string])[] = [
  ...documents.matchAll(/^\| `(\/[^`]+)`[^|]*\| `(tls\/[^`]+)`/gm)
].map(([, from, to]) => [from, to] as [string, string])

/** Directories of Debian's packages, and those of Puppet's and OpenVox's in their place. */
export const vendorsDirectories: Readonly<Record<string, string>> = Object.fromEntries(
  [...documents.matchAll(/^\| `(\/(?:etc|var)\/[^`]*)` \| `(\/etc\/puppetlabs\/[^`]+)` \|$/gm)].map(
    ([, debian, vendor]) => [debian, vendor]
  )
)

/** The text with each of `places` replaced, in one pass, the longest first. */
export function transplanted(text: string, places: Readonly<Record<string, string>>): string {
  const names = Object.keys(places).sort((a, b) => b.length - a.length)
  if (names.length === 0) return text
  return text.replace(new RegExp(names.map(literally).join('|'), 'g'), name => places[name] ?? name)
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
