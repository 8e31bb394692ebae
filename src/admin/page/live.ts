import { Readable } from 'node:stream'
import type { Runtime } from '../../model/runtime.ts'

/** How often those who look at the page see it anew. */
export const FRAME_MS = 2_000
/** Somebody who takes nothing for so many frames is let go; a browser comes back by itself. */
const MAX_MISSED_FRAMES = 30

/**
 * What viewers of the page are sent, again and again: each frame is whole, is made once for all of them, and none is made
 * while nobody looks.
 */
export interface Live {
  /** Server-sent events for one more viewer, until the stream is destroyed. */
  readonly join: () => Readable
}

/** `frame` makes the text of a frame, which has no line break. */
export function createLive(frame: () => string, { schedule }: Pick<Runtime, 'schedule'>): Live {
  /** Frames that each viewer has missed, because the ones before were not taken yet. */
  const viewers = new Map<Readable, number>()
  let latest = ''
  let cancel = () => {}

  function draw(): void {
    latest = `data: ${frame()}\n\n`
    cancel = schedule(FRAME_MS, () => {
      draw()
      for (const viewer of [...viewers.keys()]) show(viewer)
    })
  }

  /** Nothing piles up for a slow viewer: what it misses is in the next frame. */
  function show(viewer: Readable): void {
    const missed = viewer.readableLength === 0 ? 0 : (viewers.get(viewer) ?? 0) + 1
    viewers.set(viewer, missed)
    if (missed === 0) viewer.push(latest)
    else if (missed >= MAX_MISSED_FRAMES) viewer.destroy()
  }

  return {
    join() {
      const viewer = new Readable({
        read() {},
        destroy(error, done) {
          viewers.delete(viewer)
          if (viewers.size === 0) cancel()
          done(error)
        }
      })
      if (viewers.size === 0) draw()
      show(viewer)
      return viewer
    }
  }
}
