import { writeFileSync } from 'node:fs'
import { argv } from 'node:process'
import { z } from 'zod'
import { schema } from './schema.ts'

/** Where the schema for editors is kept. */
export const jsonSchemaFile = new URL('../../config/puppet-lb.schema.json', import.meta.url)

/** The schema for editors as text: what a configuration file may hold, with defaults and descriptions. */
export function jsonSchema(): string {
  // Draft 7 is what YAML language servers know best; `input` is the file before defaults and units.
  const whole = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' })
  return `${JSON.stringify(withEnrolment(whole), null, 2)}\n`
}

/** `tls`, and in it what has no default, must be there unless `enroll` is. */
function withEnrolment({ required: _, ...root }: z.core.JSONSchema.JSONSchema) {
  const { tls, ...others } = root.properties ?? {}
  const { required, ...optional } = tls as z.core.JSONSchema.JSONSchema
  return {
    ...root,
    properties: { ...others, tls: optional },
    anyOf: [{ required: ['tls'], properties: { tls: { required } } }, { required: ['enroll'] }]
  }
}

if (import.meta.main) {
  writeFileSync(argv[2] ?? jsonSchemaFile, jsonSchema())
}
