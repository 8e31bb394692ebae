import { createAuthority } from '../../src/simulation/certificates.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import type { MasterOrder } from './masters.ts'

const [name = ''] = process.argv.slice(2)
const master = await startSimulatedMaster({
  name,
  jrubies: 4,
  compileMs: random => 20 + 80 * random(),
  lightMs: () => 2,
  ...(name === 'ca' && { ca: await createAuthority() })
})
process.send?.(master.url)
process.on('message', (order: MasterOrder) => void master[order]())
process.once('disconnect', () => process.exit())
