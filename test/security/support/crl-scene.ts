import { rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Test } from 'tap'
import type { WhenExpired } from '../../../src/model/settings.ts'
import { createTestPki, type TestPki } from '../../support/balancer.ts'
import { captureLog } from '../../support/log-lines.ts'
import { type Scene, startScene } from './scene.ts'

/** A scene with a CRL file that is read again several times a second. */
export interface CrlScene extends Scene {
  readonly file: string
  /** Puts a new file in the place of the old one, whole or not at all, as `puppet` and cron jobs should. */
  readonly replace: (crl: string) => Promise<void>
  readonly log: ReturnType<typeof captureLog>
}

/** Not shorter than a reading takes. */
export const REFRESH_MS = 200

export async function startCrlScene(
  t: Test,
  crl: string | Buffer | ((pki: TestPki) => Promise<string>),
  {
    pki: given,
    expired = 'keep',
    directory,
    ...options
  }: Parameters<typeof startScene>[1] & {
    readonly expired?: WhenExpired
    /** What is to be known after a restart is kept there. */
    readonly directory?: string
  } = {}
): Promise<CrlScene> {
  const pki = given ?? (await createTestPki())
  const log = captureLog()
  const file = path.join(t.testdir({}), 'crl.pem')
  await writeFile(file, typeof crl === 'function' ? await crl(pki) : crl)
  const scene = await startScene(t, {
    ...options,
    pki,
    overrides: {
      ...options.overrides,
      tls: {
        ...options.overrides?.tls,
        crl: { file, directory, refreshMs: REFRESH_MS, expired, place: 'test.yaml' }
      }
    },
    options: { ...options.options, log: log.log }
  })
  return {
    ...scene,
    file,
    log,
    async replace(text) {
      await writeFile(`${file}.new`, text)
      await rename(`${file}.new`, file)
    }
  }
}
