import type { FastifyInstance } from 'fastify'

/** Which methods the paths of a listener take. */
export interface KnownMethods {
  /** Of a path without its query, in the order they were added; empty for a path that there is not. */
  readonly of: (path: string) => readonly string[]
}

/** Notes the routes that are added to `app` from now on. */
export function noteMethods(app: FastifyInstance): KnownMethods {
  const known: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = new RegExp(`^${url.replace(/:\w+/g, '[^/]+')}$`)
    known.push({ pattern, methods: [method].flat() })
  })
  return {
    of: path => [
      ...new Set(known.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))
    ]
  }
}
