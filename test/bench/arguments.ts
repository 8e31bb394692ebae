/** What a command line asks for, or the sentence on what is wrong with it that reading it threw. */
export function orSentence<Options>(read: () => Options): Options | string {
  try {
    return read()
  } catch (error) {
    return (error as Error).message
  }
}

/** The number from `min` to `max`; throws a sentence about any other text. */
export function within(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text !== '' && value >= min && value <= max) return value
  throw new Error(`${name} is ${text}, must be from ${min} to ${max}`)
}

/** The same for a whole number. */
export function whole(name: string, text: string, min: number, max: number): number {
  const value = within(name, text, min, max)
  if (Number.isInteger(value)) return value
  throw new Error(`${name} is ${text}, must be a whole number`)
}

/** The named members, in the order of `all`. */
export function subset<Name extends string>(
  option: string,
  text: string,
  all: readonly Name[]
): readonly Name[] {
  const wanted = text.split(',')
  const strange = wanted.find(each => !all.includes(each as Name))
  if (strange !== undefined) throw new Error(`${option} holds "${strange}", must be of ${all.join(', ')}`)
  return all.filter(each => wanted.includes(each))
}

/** The one that is named. */
export function oneOf<Name extends string>(option: string, text: string, all: readonly Name[]): Name {
  const found = all.find(each => each === text)
  if (found !== undefined) return found
  throw new Error(`${option} is ${text}, must be ${all.join(' or ')}`)
}
