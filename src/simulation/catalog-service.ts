import { type Answer, json } from './answer.ts'
import type { MasterCall, Service } from './master-call.ts'

/** Files in a catalog when the agent's fact `demo_files` does not say. */
const usualFiles = 3

/** What an agent asks of a master beside files: its node, its catalog, and to take facts and a report. */
export function catalogServices(settings: {
  readonly codeVersion: string
  readonly wallClock: () => number
}): Readonly<Record<'node' | 'catalog' | 'report' | 'facts', Service>> {
  return {
    node: { access: 'self', work: 'light', serve: node },
    catalog: { access: 'self', work: 'compile', serve: call => json(200, compile(call, settings)) },
    report: { access: 'self', work: 'light', serve: () => json(200, ['store']) },
    facts: { access: 'self', work: 'light', serve: ({ key }) => json(200, key) }
  }
}

/** The environments a master has; anybody with a certificate may know. */
export function environmentsService(names: readonly string[]): Service {
  const settings = { modulepath: [], manifest: '', environment_timeout: 0, config_version: '' }
  const environments = Object.fromEntries(names.map(name => [name, { settings }]))
  return {
    access: 'authenticated',
    work: 'light',
    serve: () => json(200, { search_paths: [], environments })
  }
}

function node({ key, environment }: MasterCall): Answer {
  return json(200, { name: key, environment, parameters: {}, classes: [] })
}

function compile(call: MasterCall, settings: Parameters<typeof catalogServices>[0]) {
  const { key: certname, environment, caller, parameters } = call
  const paths = Array.from({ length: wantedFiles(parameters) }, (_, i) => `app/file-${i}`)
  const trusted = { authenticated: 'remote', certname: caller.certname, extensions: caller.extensions }
  const resource = (type: string, title: string, parameters: object) => ({
    type,
    title,
    tags: ['demo'],
    exported: false,
    parameters
  })
  return {
    name: certname,
    version: Math.floor(settings.wallClock() / 1000),
    code_id: settings.codeVersion,
    catalog_format: 2,
    environment,
    tags: ['settings', 'demo'],
    classes: ['settings', 'demo'],
    edges: [],
    resources: [
      resource('Notify', 'trusted', { message: JSON.stringify(trusted) }),
      ...paths.map(path => resource('File', `/etc/${path}`, { source: `puppet:///modules/${path}` }))
    ]
  }
}

/** Agents send facts as JSON, escaped once more inside the form; old formats are not looked into. */
function wantedFiles(parameters: URLSearchParams): number {
  try {
    const facts = JSON.parse(decodeURIComponent(parameters.get('facts') ?? ''))
    const wanted: unknown = facts?.values?.demo_files
    return typeof wanted === 'number' ? wanted : usualFiles
  } catch {
    return usualFiles
  }
}
