import { gte } from 'semver'

/** The URL of an indirection's document, in the spelling of the agent's version. */
export function puppetPath(
  version: string,
  indirection: string,
  key: string,
  { environment, ...parameters }: { readonly environment: string } & Readonly<Record<string, string>>
): string {
  const escaped = key.split('/').map(encodeURIComponent).join('/')
  if (isLegacy(version)) return withQuery(`/${environment}/${indirection}/${escaped}`, parameters)
  return withQuery(`/puppet/v3/${indirection}/${escaped}`, { environment, ...parameters })
}

/** The URL of a document of the CA. */
export function caPath(version: string, environment: string, resource: string, key: string): string {
  return isLegacy(version) ? `/${environment}/${resource}/${key}` : `/puppet-ca/v1/${resource}/${key}`
}

/** True for agents whose URLs begin with the environment: those before Puppet 4. */
export function isLegacy(version: string): boolean {
  return !gte(version, '4.0.0')
}

function withQuery(path: string, parameters: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(parameters).toString()
  return query === '' ? path : `${path}?${query}`
}
