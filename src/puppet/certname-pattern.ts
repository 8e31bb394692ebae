/** Whether a certname is one that a pattern stands for. The certname is in lower case. */
export type CertnamePattern = (lowerCaseCertname: string) => boolean

/**
 * Makes a pattern ready for many certnames: `*` is any text, dots included, and case does not count. A look takes time in
 * proportion to the lengths of both.
 */
export function certnamePattern(pattern: string): CertnamePattern {
  const [first = '', ...rest] = pattern.toLowerCase().split('*')
  const last = rest.pop()
  if (last === undefined) return name => name === first
  return name => {
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
      return false
    const end = name.length - last.length
    let at = first.length
    // What is found as early as it can be leaves the most for the rest.
    for (const part of rest) {
      const found = name.indexOf(part, at)
      if (found < 0 || found + part.length > end) return false
      at = found + part.length
    }
    return true
  }
}
