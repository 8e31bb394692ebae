import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse, parseAllDocuments } from 'yaml'

const root = new URL('../../config/', import.meta.url)

/** The path of a file in `config/`. */
export function deployed(name: string): string {
  return fileURLToPath(new URL(name, root))
}

/** Its text. */
export function textOf(name: string): string {
  return readFileSync(deployed(name), 'utf8')
}

/** What it holds, as YAML or JSON. */
export function dataOf<Data>(name: string): Data {
  return parse(textOf(name)) as Data
}

/** Each document of a file of YAML. */
export function documentsOf<Data>(name: string): readonly Data[] {
  return parseAllDocuments(textOf(name)).map(document => document.toJS() as Data)
}

/** The names of the files in a folder of `config/`, with it. */
export function filesOf(folder: string): readonly string[] {
  return readdirSync(deployed(folder))
    .sort()
    .map(name => `${folder}/${name}`)
}

/** A rule of Prometheus: one that records, or an alert. */
export interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** The rules of a file, over all of its groups. */
export function rulesOf(name: string): readonly Rule[] {
  const { groups } = dataOf<{ readonly groups: readonly { readonly rules: readonly Rule[] }[] }>(name)
  return groups.flatMap(({ rules }) => rules)
}
