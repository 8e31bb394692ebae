/** Why a file of revocation lists is refused, as metrics and logs name it. */
export const refusalReasons = [
  'older',
  'same-number',
  'infrastructure',
  'delta',
  'partial',
  'indirect',
  'critical-extension',
  'future',
  'foreign',
  'missing',
  'damaged',
  'unreadable'
] as const
export type RefusalReason = (typeof refusalReasons)[number]

export interface ListProblem {
  readonly reason: RefusalReason
  /** Completes "the file …": "holds a damaged list". */
  readonly text: string
  /** The file may be fine, but this process lacked something to read it with. */
  readonly isOwnFault?: boolean
}

/** More than these nobody reads. */
const MAX_PROBLEMS = 10

/** A file of revocation lists that is not taken, with every problem there is, each once; of very many the first. */
export class CrlError extends Error {
  override readonly name = 'CrlError'
  readonly problems: readonly ListProblem[]

  constructor(problems: readonly ListProblem[]) {
    const distinct = [...new Map(problems.map(problem => [problem.text, problem])).values()]
    const shown = distinct.slice(0, MAX_PROBLEMS)
    super(shown.map(({ text }) => text).join('; '))
    this.problems = shown
  }
}
