import { z } from 'zod'
import type { Path } from './problems.ts'
import { type FileSettings, schema } from './schema.ts'

/** A key that holds a value rather than a group of keys. */
export interface Leaf {
  readonly path: readonly string[]
  readonly schema: z.ZodType
  /** `one` value; or several `texts`; or a list of `groups`, which only the file can hold. */
  readonly holds: 'one' | 'texts' | 'groups'
}

/** What of a file can be used although something else in it is wrong: a wrong value is `undefined`. */
export type Draft = DeepPartial<FileSettings>

type DeepPartial<T> = T extends readonly (infer Item)[]
  ? readonly DeepPartial<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]?: DeepPartial<T[Key]> | undefined }
    : T

/** Every leaf of the configuration in the order of the schema. */
export const leaves: readonly Leaf[] = leavesOf(schema, [])

/** A key, or a group of them, with its full name: `listen.tcp`, `listen.tcp[].port`. */
export interface NamedKey {
  readonly name: string
  readonly schema: z.core.$ZodType
}

/** Every key in the order of the schema, groups included. */
export const namedKeys: readonly NamedKey[] = keysBelow(schema, '')

/** Their full names. */
export const fullNames: readonly string[] = namedKeys.map(({ name }) => name)

/**
 * The data with every group that is there but empty, as when all its keys are commented out, filled in as
 * `{}`, or left out where it may be.
 */
export function fillEmptyGroups(data: unknown): unknown {
  return fill(schema, data ?? {})
}

/** The good part of a file whose other parts may be wrong. Never throws. */
export function readDraft(input: unknown): Draft {
  return (draftSchema.parse(input) ?? {}) as Draft
}

/** The keys allowed in the group at `path`, and none when there is no group. */
export function keysAt(path: Path): readonly string[] {
  let node: z.core.$ZodType = unwrap(schema)
  for (const part of path) {
    const child = childOf(node, part)
    if (!child) return []
    node = unwrap(child)
  }
  return node instanceof z.ZodObject ? Object.keys(node.shape) : []
}

const draftSchema = lenient(schema)

/** The same schema with every value optional, and ignored when it is wrong. */
function lenient(node: z.core.$ZodType): z.ZodType {
  if (node instanceof z.ZodPrefault) return z.prefault(lenient(node.def.innerType), node.def.defaultValue)
  if (node instanceof z.ZodDefault) return z._default(lenient(node.def.innerType), node.def.defaultValue)
  if (node instanceof z.ZodOptional) return lenient(node.def.innerType)
  if (node instanceof z.ZodObject) {
    const shape = Object.entries(node.shape).map(([key, child]) => [key, lenient(child)] as const)
    return z.object(Object.fromEntries(shape)).optional().catch(undefined)
  }
  if (node instanceof z.ZodArray && unwrap(node.element) instanceof z.ZodObject) {
    return z.array(lenient(node.element)).optional().catch(undefined)
  }
  if (node instanceof z.ZodRecord) {
    return z.record(z.string(), lenient(node.valueType)).optional().catch(undefined)
  }
  return z.optional(node).catch(undefined)
}

function keysBelow(node: z.core.$ZodType, name: string): readonly NamedKey[] {
  const inner = unwrap(node)
  if (inner instanceof z.ZodArray) return keysBelow(inner.element, `${name}[]`)
  if (!(inner instanceof z.ZodObject)) return []
  return Object.entries(inner.shape).flatMap(([key, child]) => {
    const full = name === '' ? key : `${name}.${key}`
    return [{ name: full, schema: child as z.core.$ZodType }, ...keysBelow(child, full)]
  })
}

function leavesOf(node: z.core.$ZodType, path: readonly string[]): Leaf[] {
  const inner = unwrap(node)
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape).flatMap(([key, child]) => leavesOf(child, [...path, key]))
  }
  const holds = inner instanceof z.ZodArray ? holdingOf(inner) : 'one'
  return [{ path, schema: node as z.ZodType, holds }]
}

function holdingOf({ element }: z.ZodArray): Leaf['holds'] {
  return unwrap(element) instanceof z.ZodObject ? 'groups' : 'texts'
}

function fill(node: z.core.$ZodType, data: unknown): unknown {
  const inner = unwrap(node)
  if (!(inner instanceof z.ZodObject)) return data
  if (data === null) return {}
  if (typeof data !== 'object' || Array.isArray(data)) return data
  const filled = Object.entries(data).flatMap(([key, value]) => {
    const child = inner.shape[key]
    if (value === null && child instanceof z.ZodOptional && unwrap(child) instanceof z.ZodObject) return []
    return [[key, child ? fill(child, value) : value] as const]
  })
  return Object.fromEntries(filled)
}

function childOf(node: z.core.$ZodType, part: string | number): z.core.$ZodType | undefined {
  if (node instanceof z.ZodArray) return node.element
  return node instanceof z.ZodObject ? node.shape[part] : undefined
}

/** The schema itself, without what says that it may be left out. */
function unwrap(node: z.core.$ZodType): z.core.$ZodType {
  const isWrapper =
    node instanceof z.ZodPrefault || node instanceof z.ZodDefault || node instanceof z.ZodOptional
  return isWrapper ? unwrap(node.def.innerType) : node
}
