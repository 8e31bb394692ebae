import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The user of the image. */
const uid = 1000

/** An empty directory that the user of the image may write in, as a volume is. */
export async function createVolume(t: { teardown: (task: () => unknown) => void }): Promise<string> {
  const directory = await createMount(t, {})
  await chown(directory, uid, uid)
  return directory
}

/**
 * A directory to mount into a container, gone with the test: file name to content. Keys (`.key`) are for the user
 * of the image alone, the rest for everybody, as an operator would have it.
 */
export async function createMount(
  t: { teardown: (task: () => unknown) => void },
  files: Readonly<Record<string, string>>
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'puppet-lb-mount-'))
  t.teardown(() => rm(directory, { recursive: true }))
  await chmod(directory, 0o755)
  for (const [name, content] of Object.entries(files)) {
    const file = join(directory, name)
    await writeFile(file, content, { mode: 0o644 })
    if (!name.endsWith('.key')) continue
    await chmod(file, 0o400)
    await chown(file, uid, uid)
  }
  return directory
}
