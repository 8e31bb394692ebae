/**
 * The three `Reflect` functions that `@peculiar/x509` asks of its host before it loads, kept in a weak map.
 * Import this file before that package; a polyfill that is already there is left alone.
 */
interface MetadataReflect {
  defineMetadata?: (key: unknown, value: unknown, target: object) => void
  getOwnMetadata?: (key: unknown, target: object) => unknown
  getMetadata?: (key: unknown, target: object) => unknown
}

const host = Reflect as MetadataReflect
const metadata = new WeakMap<object, Map<unknown, unknown>>()

if (host.getMetadata === undefined) {
  host.defineMetadata = (key, value, target) => {
    const own = metadata.get(target) ?? new Map<unknown, unknown>()
    metadata.set(target, own.set(key, value))
  }
  host.getOwnMetadata = (key, target) => metadata.get(target)?.get(key)
  host.getMetadata = (key, target) => {
    for (let object: object | null = target; object !== null; object = Object.getPrototypeOf(object)) {
      const own = metadata.get(object)
      if (own?.has(key)) return own.get(key)
    }
    return undefined
  }
}
