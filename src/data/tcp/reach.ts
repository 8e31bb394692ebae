import type { Socket } from 'node:net'
import type { Master } from '../../model/master.ts'
import type { Runtime } from '../../model/runtime.ts'
import { dial } from '../../upstream/dial.ts'
import { createRoute, type Route } from '../../upstream/route.ts'

/** Connects to a master, over TCP alone, within a time. `done` is called once, later; the result gives up. */
export type Reach = (
  master: Master,
  timeoutMs: number,
  done: (...result: [error: Error, socket: null] | [error: null, socket: Socket]) => void
) => () => void

/** Which address of a master leads there is remembered as long as its snapshot is in force. */
export function createReach({ schedule }: Pick<Runtime, 'schedule'>): Reach {
  const routes = new WeakMap<Master, Route>()
  function routeTo(master: Master): Route {
    const route = routes.get(master) ?? createRoute(() => master.addresses)
    routes.set(master, route)
    return route
  }

  return (master, timeoutMs, done) => {
    const route = routeTo(master)
    const addresses = route.addresses()
    const [first] = addresses
    if (first === undefined) return schedule(0, () => done(failure('ENOTFOUND', 'no address is known'), null))
    const giveUp = dial({ addresses, port: portOf(master.url), schedule }, (error, socket) => {
      cancel()
      if (error) {
        route.failed(first)
        done(error, null)
      } else {
        route.worked(socket.remoteAddress ?? first)
        done(null, socket)
      }
    })
    const cancel = schedule(timeoutMs, () => {
      giveUp()
      route.failed(first)
      done(failure('ETIMEDOUT', `no connection within ${timeoutMs} ms`), null)
    })
    return () => {
      cancel()
      giveUp()
    }
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port) || 443
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
