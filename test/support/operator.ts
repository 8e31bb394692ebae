import type { App } from '../../src/app.ts'
import type { MasterStatus, Status } from '../../src/model/status.ts'
import { puppetLb } from '../commands/puppet-lb.ts'

/** Somebody at the command line of a balancer. */
export interface Operator {
  /** Runs a command to its end. */
  readonly run: (...args: string[]) => ReturnType<typeof puppetLb>
  /** The same, and a promise of the first thing it prints. */
  readonly begin: (...args: string[]) => {
    readonly said: Promise<string>
    readonly ended: ReturnType<typeof puppetLb>
  }
  /** What it says of masters, the data planes go by when it resolves. */
  readonly status: () => Promise<Status>
  readonly master: (name: string) => Promise<MasterStatus | undefined>
  /** Kinds of the events so far, with the master they are about. */
  readonly events: () => Promise<readonly string[]>
}

/** Asks the admin listener as the commands do, over TCP. */
export function operatorOf({ adminPort }: Pick<App, 'adminPort'>): Operator {
  const origin = `http://127.0.0.1:${adminPort}`
  const status = async () => {
    const answer = (await (await fetch(`${origin}/api/status`)).json()) as Status
    // They are told before it is, and answer in order.
    await (await fetch(`${origin}/metrics`)).text()
    return answer
  }
  return {
    run: (...args) => puppetLb([...args, '--admin', origin]),
    begin(...args) {
      const said = Promise.withResolvers<string>()
      let out = ''
      const hear = (text: string) => {
        out += text
        said.resolve(out)
      }
      const ended = puppetLb([...args, '--admin', origin], { out: hear })
      return { said: said.promise, ended: ended.then(result => ({ ...result, out })) }
    },
    status,
    master: async name => (await status()).masters.find(master => master.name === name),
    async events() {
      const answer = await fetch(`${origin}/api/events`)
      const reader = (answer.body as ReadableStream<Uint8Array>).getReader()
      const { value } = await reader.read()
      await reader.cancel()
      const lines = new TextDecoder().decode(value).matchAll(/^data: (.*)$/gm)
      return [...lines].map(([, json]) => {
        const { kind, master } = JSON.parse(json as string) as { kind: string; master?: string }
        return `${kind} ${master ?? ''}`.trim()
      })
    }
  }
}
