/** What a catalog says, before its resources, of the code that it was made of. */
export interface CatalogHead {
  readonly environment: string | undefined
  /** `config_version`, where it is a text. Puppet's own is a number: the seconds since 1970. */
  readonly version: string | undefined
  /** What the master's `code-id-command` gave; `undefined` where there is none. */
  readonly codeId: string | undefined
}

/** Reads a catalog as it comes, from its first byte. */
export interface CatalogHeadReader {
  /** Takes the next bytes. True once nothing more is to be learnt, now and from then on. */
  readonly push: (bytes: Uint8Array) => boolean
  /** What is known so far; `undefined` before its version has come, as it has in every catalog. */
  readonly head: () => CatalogHead | undefined
}

/** A longer name or version is taken for none. */
const MAX_VALUE_BYTES = 256
/** The longest name that is looked for. */
const MAX_NAME_BYTES = 16

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]
/** Space and what is below it. */
const LAST_BLANK = 0x20

const wanted = ['environment', 'version', 'code_id']

/**
 * Finds three values of the outermost object of a catalog in JSON or PSON, in whatever order they stand, and keeps
 * nothing else of it. From Puppet 4 on it begins `tags`, `name`, `version`, `code_id`, `catalog_uuid`, `catalog_format`,
 * `environment`, `resources` (`Puppet::Resource::Catalog#to_data_hash`); before, all is in a further object, `data`.
 * What is no JSON object tells nothing.
 */
export function createCatalogHeadReader(): CatalogHeadReader {
  const found = new Map<string, string | undefined>()
  const text = { bytes: Buffer.alloc(MAX_VALUE_BYTES), length: 0, isTooLong: false }
  /** How many objects and lists are open, and how many at the names that count. */
  let depth = 0
  let level = 1
  let isString = false
  let isEscaped = false
  let hasEscapes = false
  let isValueString = false
  /** The name whose value comes; `undefined` while a name is to come. */
  let name: string | undefined
  let isOver = false

  function begin(): void {
    text.length = 0
    text.isTooLong = false
    hasEscapes = false
  }

  function keep(byte: number): void {
    if (text.length === (name === undefined ? MAX_NAME_BYTES : MAX_VALUE_BYTES)) text.isTooLong = true
    else text.bytes[text.length++] = byte
  }

  function kept(): string | undefined {
    if (text.isTooLong) return undefined
    const raw = text.bytes.toString('utf8', 0, text.length)
    return hasEscapes ? unescaped(raw) : raw
  }

  /** Of a number, `null` and the like only that they were there. */
  function endValue(): void {
    if (name !== undefined && wanted.includes(name)) found.set(name, isValueString ? kept() : undefined)
    name = undefined
    isOver = wanted.every(each => found.has(each))
  }

  function inString(byte: number): void {
    if (isEscaped) isEscaped = false
    else if (byte === backslash) {
      isEscaped = true
      hasEscapes = true
    } else if (byte === quote) {
      isString = false
      return
    }
    if (depth === level) keep(byte)
  }

  function open(byte: number): void {
    if (depth === level && name === 'resources') isOver = true
    if (depth === level && name === 'data' && byte === openBrace) {
      level++
      name = undefined
    }
    depth++
  }

  function close(): void {
    if (depth === level) {
      endValue()
      isOver = true
    }
    depth--
  }

  function outside(byte: number): void {
    if (byte === openBrace || byte === openBracket) open(byte)
    else if (depth === 0) isOver = byte > LAST_BLANK
    else if (byte === quote) {
      isString = true
      if (depth !== level) return
      isValueString = true
      begin()
    } else if (byte === closeBrace || byte === closeBracket) close()
    else if (depth !== level) return
    else if (byte === comma) endValue()
    else if (byte === colon) {
      name = kept() ?? ''
      isValueString = false
    }
  }

  return {
    push(bytes) {
      for (let at = 0; at < bytes.length && !isOver; at++) {
        const byte = bytes[at] as number
        if (isString) inString(byte)
        else outside(byte)
      }
      return isOver
    },
    head: () =>
      found.has('version')
        ? {
            environment: found.get('environment'),
            version: found.get('version'),
            codeId: found.get('code_id')
          }
        : undefined
  }
}

function unescaped(raw: string): string | undefined {
  try {
    return JSON.parse(`"${raw}"`) as string
  } catch {
    return undefined
  }
}
