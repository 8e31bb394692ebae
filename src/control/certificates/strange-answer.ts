import type { CaAnswer } from './ca-client.ts'

/**
 * What is told of a good answer without what was asked for: as a page of a proxy, or of another server that stands where
 * the CA should. Goes behind who answered.
 */
export function strangeAnswer({ type }: CaAnswer, what: 'certificate' | 'certificate request'): string {
  const [mediaType = ''] = (type ?? '').split(';')
  const shown = mediaType
    .replace(/[^\x20-\x7e]/g, '')
    .trim()
    .slice(0, 100)
  return `answered with something that is no ${what}${shown && ` (${shown})`}`
}
