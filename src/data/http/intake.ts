import { announcedBytes, RequestBody } from './body.ts'
import { createBodyPace } from './body-pace.ts'
import type { BodyShare } from './body-room.ts'
import type { Delivery, DispatchDeps } from './delivery.ts'
import type { Queueing } from './queueing.ts'
import { nobodyYet } from './slot-request.ts'

/** A catalog request brings some 100 KB of facts; of what is larger the rest streams, and it is not sent twice. */
export const HAND_BYTES = 1024 * 1024

/** The body of one request, from the agent to the masters. */
export interface Intake {
  readonly body: RequestBody
  /**
   * Brings it into memory, or its first mebibyte, once there is room: for what needs a JRuby, which is not to wait for
   * an agent. Anything else streams.
   */
  readonly begin: () => void
  /** Nobody wants it any more: its memory is free. */
  readonly end: () => void
}

export interface IntakeListener {
  /** As much of it is in memory as is to be. */
  readonly inHand: () => void
  /** It comes so slowly that it is to be given up. */
  readonly tooSlow: () => void
  /** A defect of ours showed when there was room for it. */
  readonly fail: (defect: unknown) => void
}

/** What is counted for nobody is not bounded either. */
const unclaimed = { cell: -1, slots: Number.POSITIVE_INFINITY } as const

/** `queueing`: where it waits for room. */
export function createIntake(
  { exchange, slot }: Delivery,
  { bodyRoom, now, schedule }: Pick<DispatchDeps, 'bodyRoom' | 'now' | 'schedule'>,
  queueing: Queueing | undefined,
  { inHand, tooSlow, fail }: IntakeListener
): Intake {
  const { request } = exchange
  let share: BodyShare | undefined
  const body = new RequestBody(request, createBodyPace({ now, schedule }, tooSlow), {
    read(bytes) {
      exchange.bytesIn += bytes
    },
    inHand() {
      if (request.complete) share?.shrinkTo(body.bytes)
      inHand()
    },
    dropped: () => share?.release()
  })

  return {
    body,
    begin() {
      if (!slot?.isNeeded || !queueing) {
        inHand()
        return
      }
      const bytes = Math.min(announcedBytes(request) ?? HAND_BYTES, HAND_BYTES)
      const take = () => body.takeInHand(HAND_BYTES)
      const { claimant, memoryBytes: limitBytes } = slot
      // As much as all the JRubies it may have can work on.
      const { cell: owner, slots } = claimant ?? unclaimed
      share = bodyRoom.ask({ bytes, limitBytes, owner, ownerBytes: slots * HAND_BYTES }, () => {
        try {
          queueing.leave()
          take()
        } catch (error) {
          fail(error)
        }
      })
      if (share.isGranted) take()
      else
        queueing.ask(
          {
            eligible: nobodyYet,
            eligibleAnew: () => nobodyYet,
            pick: () => undefined,
            nobody: 'internal'
          },
          () => {
            throw new Error('a request got a JRuby before its body had room')
          }
        )
    },
    end() {
      body.abandon()
      share?.release()
    }
  }
}
