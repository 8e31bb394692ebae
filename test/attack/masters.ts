import { createAuthority } from '../../src/simulation/certificates.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import type { MastersReady } from './messages.ts'

// A process of its own: a CA and two compile masters with four JRubies each.
const COMPILE_MS = 40
const LIGHT_MS = 3

/** More than the buffers between a master and an agent hold. */
const LARGE_BYTES = 8 * 1024 * 1024

const fileBytes = (path: string) => (path.includes('/large/') ? LARGE_BYTES : 2048)
const work = { fileBytes, compileMs: () => COMPILE_MS, lightMs: () => LIGHT_MS }
const ca = await startSimulatedMaster({ name: 'ca', ca: await createAuthority() })
const masters = await Promise.all(
  ['m1', 'm2'].map(name => startSimulatedMaster({ name, jrubies: 4, ...work }))
)
const ready: MastersReady = { ca: ca.url, masters: masters.map(({ url }) => url) }
process.send?.(ready)
process.once('disconnect', () => process.exit())
