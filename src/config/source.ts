import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError
} from 'yaml'
import { type Culprit, formatPath, type Path, type Problem, showKey } from './problems.ts'

/** A configuration file as written: its plain data, and where in the file each value stands. */
export interface Source {
  readonly data: unknown
  /** `FILE:LINE:COL` of the value at `path` or of its key; of the nearest group around it when it is not there. */
  readonly locate: (path: Path, culprit?: Culprit) => string
  /** Problems of the text itself: syntax, keys written twice. */
  readonly problems: readonly Problem[]
}

/** Each of as many masters as there may be can name several values of another; what repeats itself in itself cannot. */
const MAX_ALIASED = 1000

/** Reads YAML 1.2. `file` is the name to print. With a syntax error in the text `data` is `undefined`. */
export function readSource(file: string, text: string): Source {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false
  })
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`
  }
  const targets = targetsOf(document)
  const locate = (path: Path, culprit: Culprit = 'value') => place(offsetOf(document, targets, path, culprit))
  const syntax = syntaxProblems(document, targets, place)
  if (syntax.length > 0) return { data: undefined, locate, problems: syntax }
  try {
    const data: unknown = document.toJS({ maxAliasCount: MAX_ALIASED })
    return { data, locate, problems: duplicateKeys(document, place) }
  } catch {
    const text = `aliases repeat too much of this file, must be ${MAX_ALIASED} values at most`
    return { data: undefined, locate, problems: [{ where: place(0), key: 'yaml', text }] }
  }
}

/** What each alias stands for; `undefined` for nothing. The parser would look through all of the file for each. */
type Targets = ReadonlyMap<Alias, Node | undefined>

function targetsOf(document: Document): Targets {
  const targets = new Map<Alias, Node | undefined>()
  const marked = new Map<string, Node>()
  visit(document, {
    Node(_, node) {
      if (isAlias(node)) targets.set(node, marked.get(node.source))
      else if (node.anchor !== undefined) marked.set(node.anchor, node)
    }
  })
  return targets
}

function syntaxProblems(document: Document, targets: Targets, place: (offset: number) => string): Problem[] {
  const found = [...document.errors, ...document.warnings].map(error => ({
    where: place(error.pos[0]),
    key: 'yaml',
    text: plainWords(error)
  }))
  for (const [alias, target] of targets) {
    if (target) continue
    const text = `*${showKey(alias.source)} refers to nothing; a text that begins with * must be in quotes`
    found.push({ where: place(alias.range?.[0] ?? 0), key: 'yaml', text })
  }
  // One slip often makes the parser complain twice about a line; the first complaint is the cause.
  const lines = new Set<string>()
  return found.filter(({ where }) => {
    const line = where.slice(0, where.lastIndexOf(':'))
    return !lines.has(line) && lines.add(line)
  })
}

/** The parser's own sentence quotes the file after a colon, and a file may hold a secret: that part is left out. */
function plainWords({ code, message }: YAMLError): string {
  const known: Partial<Record<YAMLError['code'], string>> = {
    TAB_AS_INDENT: 'a tab indents this line, only spaces may',
    BAD_INDENT: 'this line is not indented as the line it belongs to',
    BLOCK_AS_IMPLICIT_KEY: 'a second "key:" on one line; put it on a line of its own, or the value in quotes',
    MULTILINE_IMPLICIT_KEY: 'a line without "key:", or one that is not indented as its neighbours',
    BAD_SCALAR_START: 'a value that begins with this character must be in quotes',
    MISSING_CHAR:
      'a quote, comma or bracket is missing before this place, or a line is not indented as its neighbours',
    BAD_ALIAS: 'a text that begins with * must be in quotes',
    UNEXPECTED_TOKEN: 'this character has no place here; a text that contains it must be in quotes',
    MULTIPLE_DOCS: 'a second document begins here, the file may hold one only',
    NON_STRING_KEY: 'a key must be a name',
    TAG_RESOLVE_FAILED: 'tags such as !name are not known here'
  }
  return known[code] ?? message.replace(/:.*$/s, '')
}

function duplicateKeys(document: Document, place: (offset: number) => string): Problem[] {
  const problems: Problem[] = []
  visit(document, {
    Map: (_, map, ancestors) => {
      const names = new Set<string>()
      map.items.forEach(pair => {
        const name = keyOf(pair)
        if (!names.has(name)) {
          names.add(name)
          return
        }
        const key = formatPath([...pathOf(ancestors, map), name])
        problems.push({
          where: place(startOf(pair.key)),
          key,
          text: 'is here twice, must be there once only'
        })
      })
    }
  })
  return problems
}

/** The path of a node that the visitor reached through `ancestors`. */
function pathOf(ancestors: readonly unknown[], node: unknown): Path {
  return ancestors.flatMap((ancestor, index): (string | number)[] => {
    if (isPair(ancestor)) return [keyOf(ancestor)]
    return isSeq(ancestor) ? [ancestor.items.indexOf(ancestors[index + 1] ?? node)] : []
  })
}

function offsetOf(document: Document, targets: Targets, path: Path, culprit: Culprit): number {
  let node: unknown = document.contents
  let offset = startOf(node)
  for (const part of path) {
    const around = isAlias(node) ? targets.get(node) : node
    if (isSeq(around)) {
      node = typeof part === 'number' ? around.items[part] : undefined
      if (node) offset = startOf(node)
    } else {
      const pair: Pair | undefined = isMap(around)
        ? around.items.findLast(pair => keyOf(pair) === part)
        : undefined
      if (pair) offset = startOf(pair.key)
      node = pair?.value
    }
    if (!node) return offset
    const isKeyBlamed = culprit === 'key' && part === path.at(-1)
    if (!isMap(node) && !isEmpty(node) && !isKeyBlamed) offset = startOf(node)
  }
  return offset
}

/** A key without a value: the key is the place to look at. */
function isEmpty(node: unknown): boolean {
  return isScalar(node) && node.value === null
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : ''
}

function startOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0
}
