import type { RouteSettings } from '../model/route.ts'
import { oidOf } from '../puppet/trusted-extensions.ts'
import type { Path } from './problems.ts'
import type { FileSettings } from './schema.ts'

type FileRoute = FileSettings['routes'][number]

/** The routes of a file whose every value is right. `placeOf`: `FILE:LINE:COL` of a value. */
export function routesOf(
  routes: readonly FileRoute[],
  placeOf: (path: Path) => string
): readonly RouteSettings[] {
  return routes.map((route, index) => routeOf(route, placeOf(['routes', index]).replace(/:\d+$/, '')))
}

/** The same for one route, wherever it is. */
export function routeOf(route: FileRoute, place: string): RouteSettings {
  const { certname, extension = {}, class: classes, environment, pool, otherwise } = route
  return {
    certnames: listOf(certname),
    extensions: Object.entries(extension).map(([name, values]) => ({
      name,
      oid: oidOf(name) ?? name,
      values: listOf(values)
    })),
    classes: listOf(classes),
    environments: listOf(environment),
    pool,
    otherwise,
    place
  }
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}
