/** An extension that a certificate must have. */
export interface ExtensionCondition {
  /** As the file has it: Puppet's short name, or an OID. */
  readonly name: string
  /** Dotted. */
  readonly oid: string
  /** One of these, case included. */
  readonly values: readonly string[]
}

/** Which requests go to which pool. Conditions that are empty hold for every request; of each list one value must hold. */
export interface RouteSettings {
  /** Patterns of a verified certificate's name: `*` is any text, dots included; case does not count. */
  readonly certnames: readonly string[]
  /** All of them. */
  readonly extensions: readonly ExtensionCondition[]
  /** Classes of endpoints. */
  readonly classes: readonly string[]
  readonly environments: readonly string[]
  readonly pool: string
  /** The pool that serves while no member of the first one is up. */
  readonly otherwise?: string | undefined
  /** Where the file has it: `FILE:LINE`. */
  readonly place: string
}

/** Most routes there may be. */
export const maxRoutes = 1_000

/** The conditions of a route in words, such as `class report and certname *.dmz.example.com`. */
export function conditionsOf({ certnames, extensions, classes, environments }: RouteSettings): string {
  const parts = [
    ...partOf('certname', certnames),
    ...extensions.flatMap(({ name, values }) => partOf(`extension ${name}`, values)),
    ...partOf('class', classes),
    ...partOf('environment', environments)
  ]
  return parts.length === 0 ? 'every request' : parts.join(' and ')
}

function partOf(what: string, values: readonly string[]): readonly string[] {
  return values.length === 0 ? [] : [`${what} ${values.join(' or ')}`]
}
