import type { DrawDuration } from '../simulation/master-options.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../simulation/simulated-master.ts'
import type { DemoMaterial } from './demo-material.ts'

/** The CA and the compile masters of the demonstration. */
export interface DemoMasters {
  readonly ca: SimulatedMaster
  /** Smallest first. */
  readonly compile: readonly DemoMaster[]
  readonly close: () => Promise<void>
}

export interface DemoMaster {
  readonly master: SimulatedMaster
  readonly jrubies: number
}

const sizes = [2, 4, 8]
const compileMs = logNormalMs(600, 0.5)
const lightMs = logNormalMs(10, 0.5)

/** Starts one CA and three unequal compile masters on loopback; they let in whoever has the balancer's key. */
export async function startDemoMasters({ puppet, hop }: DemoMaterial): Promise<DemoMasters> {
  const start = async (name: string, jrubies: number, isCa: boolean) => {
    const { chain: cert, key } = await hop.issue({ certname: `${name}.demo`, altNames: ['127.0.0.1'] })
    const tls = { cert, key, clientCa: hop.bundle }
    const ca = isCa ? { ca: puppet } : {}
    return startSimulatedMaster({ name, jrubies, tls, compileMs, lightMs, ...ca })
  }
  const ca = await start('puppetca', 2, true)
  const compile: DemoMaster[] = []
  for (const [i, jrubies] of sizes.entries()) {
    compile.push({ jrubies, master: await start(`master-${i + 1}`, jrubies, false) })
  }
  const all = [ca, ...compile.map(({ master }) => master)]
  return { ca, compile, close: async () => void (await Promise.all(all.map(master => master.close()))) }
}

/**
 * A log-normal distribution, the shape of compile times: half of them are shorter than `medianMs`, and `spread` (the
 * standard deviation of the logarithm) says how long the tail is.
 */
function logNormalMs(medianMs: number, spread: number): DrawDuration {
  return random => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return medianMs * Math.exp(spread * normal)
  }
}
