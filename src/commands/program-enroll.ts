import { type Command, InvalidArgumentError, Option } from 'commander'
import type { z } from 'zod'
import { origin } from '../config/origin.ts'
import { altName, fingerprint, ownName } from '../config/schema-enroll.ts'
import { type OwnKeyType, ownKeyTypes } from '../model/enrolment.ts'
import { addCommand, durationText } from './options.ts'
import type { Terminal } from './terminal.ts'

/** The flags as they come; which of them must be there depends on the others. */
interface Flags {
  readonly config?: string
  readonly caUrl?: string
  readonly name?: string
  readonly altName?: readonly string[]
  readonly dir?: string
  readonly caFingerprint?: string
  readonly keyType?: OwnKeyType
  readonly wait: number
  readonly renew?: boolean
}

const ofTheFile = ['caUrl', 'name', 'altName', 'dir', 'caFingerprint', 'keyType']

/** The command that gets the balancer its certificate. */
export function addEnroll(program: Command, io: Terminal, finish: (code: number) => void): void {
  addCommand(
    program,
    'enroll',
    'get a certificate of the Puppet CA: key, request, signature, CA bundle, revocation lists; what is there stays'
  )
    .addOption(
      new Option(
        '--ca-url <url>',
        'where the CA itself is, such as https://puppetca.example.com:8140'
      ).argParser(readAs(origin()))
    )
    .addOption(new Option('--name <certname>', 'certname to ask for').argParser(readAs(ownName())))
    .addOption(
      new Option('--alt-name <name>', 'further name that agents use; more than once for several').argParser(
        (text, before: readonly string[] = []) => [...before, readAs(altName())(text)]
      )
    )
    .option('--dir <dir>', 'where cert.pem, key.pem, ca.pem and crl.pem are kept; made if need be')
    .addOption(
      new Option(
        '--ca-fingerprint <sha256>',
        'fingerprint of a certificate of the CA; without it the command shows what the CA has, and ends'
      ).argParser(readAs(fingerprint()))
    )
    .addOption(
      new Option('--key-type <type>', 'ecdsa (P-256) or rsa (4096 bits), default ecdsa').choices(ownKeyTypes)
    )
    .addOption(
      new Option(
        '--config <file>',
        'configuration file (YAML) with a group enroll, in place of all these'
      ).conflicts(ofTheFile)
    )
    .addOption(
      new Option('--wait <duration>', 'longest time to wait for the signature, default 10m')
        .argParser(durationText)
        .default(600_000, '10m')
    )
    .option('--renew', 'get a new certificate of the same key in place of the one that is there')
    .action(async ({ config, wait, renew, ...flags }: Flags, command: Command) => {
      const { enroll } = await import('./enroll.ts')
      const how = config === undefined ? complete(flags, command) : { config }
      finish(await enroll(how, { waitMs: wait, renew }, io))
    })
}

/** The flags without which nothing can be asked; ends the command with one sentence when one is missing. */
function complete({ caUrl, name, dir, ...rest }: Omit<Flags, 'config' | 'wait' | 'renew'>, command: Command) {
  if (caUrl === undefined || name === undefined || dir === undefined) {
    return command.error("error: options '--ca-url', '--name' and '--dir' are needed, or '--config'", {
      exitCode: 1
    })
  }
  return { caUrl, name, dir, ...rest }
}

/** A parser of the command line that goes by what the configuration file may say. */
function readAs<Value>(schema: z.ZodType<Value>): (text: string) => Value {
  return text => {
    const { data, error } = schema.safeParse(text)
    if (error) throw new InvalidArgumentError(`It ${error.issues[0]?.message ?? 'is wrong'}.`)
    return data
  }
}
