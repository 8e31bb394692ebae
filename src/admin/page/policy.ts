import { createHash } from 'node:crypto'
import type { Assets } from './assets.ts'

/** Nothing comes from anywhere else, nothing is sent elsewhere, and no script or style stands in the page but the import map. */
export function contentSecurityPolicy({ importMap }: Pick<Assets, 'importMap'>): string {
  const hash = createHash('sha256').update(importMap).digest('base64')
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join('; ')
}
