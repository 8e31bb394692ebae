import { announcedBytes, RequestBody } from './body.ts'
import { createBodyPace } from './body-pace.ts'
import type { BodyShare } from './body-room.ts'
import type { Delivery, DispatchDeps } from './delivery.ts'
import type { Queueing } from './queueing.ts'
import { nobodyYet } from './slot-request.ts'

/** A catalog request brings some 100 KB of facts: so much of any body has its room before it is read. */
export const HAND_BYTES = 1024 * 1024
/**
 * Large machines have several MB of facts. So long a body is in hand too, while there is room for it beside all others; of a
 * longer one, and of one that does not say how long it is, the rest streams, and it is not sent twice.
 */
export const LARGEST_BYTES = 8 * HAND_BYTES
/** Large bodies leave so much of the memory to others. */
const SHARE_FOR_LARGE = 0.5

/** The body of one request, from the agent to the masters. */
export interface Intake {
  readonly body: RequestBody
  /**
   * Brings it into memory, or at least its first mebibyte, once there is room: for what needs a JRuby, which is not to
   * wait for an agent. Anything else streams.
   */
  readonly begin: () => void
  /** Nobody wants it any more: its memory is free. */
  readonly end: () => void
  /** The master that it is given to gets the rest of it, whoever ends it, until what this returns is called. */
  readonly giveRest: () => () => void
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
  let isGivenToItsEnd = false

  /** How much of it may be in memory. One that ends by then is seen to its end. */
  function handBytes(share: BodyShare | undefined): number {
    const bytes = announcedBytes(request) ?? 0
    if (bytes <= HAND_BYTES || bytes > LARGEST_BYTES || !slot) return HAND_BYTES
    const hasRoom = share?.grow(bytes - HAND_BYTES, SHARE_FOR_LARGE * slot.memoryBytes)
    return hasRoom ? bytes + 1 : HAND_BYTES
  }

  function end(): void {
    if (isGivenToItsEnd) return
    body.abandon()
    share?.release()
  }

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
      const take = () => body.takeInHand(handBytes(share))
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
    end,
    giveRest() {
      isGivenToItsEnd = true
      return () => {
        isGivenToItsEnd = false
        end()
      }
    }
  }
}
