import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DemoMaterial } from './demo-material.ts'

/** Files for `curl -K`: whom to be, and whom to believe. */
export interface CurlFiles {
  readonly agent: string
  readonly operator: string
}

/** Writes them beside the certificates, so that a command with one fits into a line. */
export function writeCurlFiles({ directory, caFile, agent, operator }: DemoMaterial): CurlFiles {
  const write = (name: string, { certFile, keyFile }: DemoMaterial['agent']) => {
    const file = join(directory, `${name}.curl`)
    const options = { cacert: caFile, cert: certFile, key: keyFile }
    const lines = Object.entries(options).map(([option, path]) => `${option} = ${JSON.stringify(path)}\n`)
    writeFileSync(file, lines.join(''))
    return file
  }
  return { agent: write('agent', agent), operator: write('operator', operator) }
}
