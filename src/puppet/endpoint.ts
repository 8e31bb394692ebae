/** What a request is about, which decides who may answer it (DESIGN 4.1; kept in this order in dashboards). */
export const endpointClasses = [
  'ca',
  'catalog',
  'light',
  'report',
  'static',
  'filebucket',
  'status',
  'admin',
  'other'
] as const
export type EndpointClass = (typeof endpointClasses)[number]
