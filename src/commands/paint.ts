import { styleText } from 'node:util'
import type { Tone } from '../admin/page/view/standing.js'
import type { Terminal } from './terminal.ts'

/** Gives words their colour, where they have one. */
export interface Paint {
  readonly tone: (tone: Tone, text: string) => string
  /** What was, and what is to be. */
  readonly before: (text: string) => string
  readonly after: (text: string) => string
  /** What is to be read first. */
  readonly head: (text: string) => string
}

const plain: Paint = Object.freeze({
  tone: (_tone: Tone, text: string) => text,
  before: (text: string) => text,
  after: (text: string) => text,
  head: (text: string) => text
})

const formats = { good: 'green', warn: 'yellow', bad: 'red', off: 'gray' } as const

/** That a stream is one for colours was found out already. */
const style = (format: Parameters<typeof styleText>[0], text: string) =>
  text === '' ? text : styleText(format, text, { validateStream: false })

const coloured: Paint = Object.freeze({
  tone: (tone: Tone, text: string) => style(formats[tone], text),
  before: (text: string) => style('red', text),
  after: (text: string) => style('green', text),
  head: (text: string) => style('bold', text)
})

/** Colours for a person at a terminal who has not declined them (no-color.org). What goes into a file or a pipe has none. */
export function paintOf({ isInteractive = false, env }: Pick<Terminal, 'isInteractive' | 'env'>): Paint {
  const { NO_COLOR = '', TERM } = env
  return isInteractive && NO_COLOR === '' && TERM !== 'dumb' ? coloured : plain
}

/** What others name may not steer the terminal. */
export function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '')
}
